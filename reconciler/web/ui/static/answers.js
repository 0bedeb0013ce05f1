// An answer to a form: loading it again asks for the page of the form, and does not send the form once more.
history.replaceState(history.state, "", location.href);
