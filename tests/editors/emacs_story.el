;;; The main job in Emacs, as a person does it -*- lexical-binding: t -*-
;; The configuration of the page was loaded before this.

(setq debug-on-error t
      last-nonmenu-event ?x ; a menu to read, not one for a mouse
      eglot-sync-connect 60
      eglot-connect-timeout 60)
(set-variable (if (boundp 'jrpc-default-request-timeout) 'jrpc-default-request-timeout
                'jsonrpc-default-request-timeout)
              120)

(defun story-wait (what condition)
  "Wait until CONDITION is true; WHAT is for whoever reads of a failure."
  (with-timeout (120 (error "Not in time: %s\n%s" what (buffer-string)))
    (while (not (funcall condition))
      (accept-process-output nil 0.05))))

(defun story-go-to (text)
  "Put the cursor on the line of the current buffer that holds TEXT, read anew if need be."
  (story-wait text (lambda ()
                     (unless (buffer-modified-p)
                       (revert-buffer t t t))
                     (goto-char (point-min))
                     (search-forward text nil t)))
  (beginning-of-line))

(defun story-act (title)
  "Run the code action whose title begins with TITLE, by eglot's own command."
  (let ((choose (lambda (items)
                  (or (cl-find-if (lambda (item) (string-prefix-p title item)) items)
                      (error "No %S among %S" title items)))))
    (cl-letf (((symbol-function 'completing-read)
               (lambda (_prompt items &rest _)
                 (funcall choose (mapcar (lambda (item) (if (consp item) (car item) item)) items)))))
      (call-interactively #'eglot-code-actions)))
  (message "DID %s" title))

(defun story-in (part)
  "Wait until a document whose path holds PART is the current buffer and is managed."
  (story-wait part (lambda ()
                     (let ((shown (window-buffer (selected-window))))
                       (set-buffer shown)
                       (and buffer-file-name (string-match-p part buffer-file-name)))))
  (unless (eglot-managed-p) (error "%s is not managed" buffer-file-name)))

(defvar story-messages nil "What was said, the newest first.")
(advice-add 'message :before
            (lambda (form &rest rest) (when form (push (apply #'format form rest) story-messages))))

(defun story-said (text)
  (story-wait text (lambda ()
                     (cl-some (lambda (said) (string-match-p (regexp-quote text) said))
                              story-messages))))

(find-file "prices.py")
(apply #'eglot (eglot--guess-contact))
(story-wait "a server" #'eglot-current-server)
(let ((server (eglot-current-server)))
  (story-go-to "TODO")
  (story-act "Create task: \"handle empty input\"")

  (branchwork-board)
  (story-in "/board/")
  (story-go-to "handle empty input")
  (story-act "Open the task: handle empty input")
  (story-in "/task/")
  (unless (eq (eglot-current-server) server) (error "The document has a connection of its own"))

  (story-go-to "- agent:")
  (delete-region (point) (line-end-position))
  (insert "- agent: scripted")
  (story-act "Start with Scripted agent")

  (story-said "asks: Write prices.py?")
  (branchwork-attention)
  (story-in "/attention/")
  (story-go-to "asks you")
  (story-act "Allow: Write prices.py?")
  (story-said "handle empty input: ")

  (branchwork-attention)
  (story-in "/attention/")
  (story-go-to "is ready to be looked at")
  (story-act "Open the task")
  (story-in "/task/")
  (story-act "Merge into main")
  (eglot-shutdown server))
