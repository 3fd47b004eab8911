"""Pages for people: the home page, signing in and out."""
