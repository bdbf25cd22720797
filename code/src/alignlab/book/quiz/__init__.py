"""What readers are asked: the questions at a page's end, all that the book asks, and what a class answered."""
