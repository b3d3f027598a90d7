import { expect, it } from "vitest";
import { Activity } from "../src/activity";

const ID = "019ac0de-0000-7000-8000-00000000f001";
const TOKEN = `branchwork-${ID}`;

it("knows what a run does, until it ends", () => {
  const activity = new Activity();
  let told = 0;
  activity.changed = () => (told += 1);
  expect(activity.take(TOKEN, { kind: "begin" })).toBe(true);
  expect(activity.of(ID)).toBeUndefined();
  activity.take(TOKEN, { kind: "report", message: "Write a.py" });
  expect(activity.of(ID)).toBe("Write a.py");
  activity.take(TOKEN, { kind: "report", message: "Write b.py", percentage: 50 });
  expect(activity.of(ID)).toBe("Write b.py (50 %)");
  activity.take(TOKEN, { kind: "end" });
  expect(activity.of(ID)).toBeUndefined();
  expect(told).toBe(4);
});

it("leaves the progress of a request to the editor", () => {
  const activity = new Activity();
  expect(activity.take("branchwork-0123456789ab", { kind: "begin" })).toBe(false);
  expect(activity.take(7, { kind: "begin" })).toBe(false);
});
