"""Code that tests share; nothing of the product lives here."""
