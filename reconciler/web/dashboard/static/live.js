// Keeps an open page in step with what happens.
