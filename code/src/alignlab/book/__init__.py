"""What serves a page: claims, explorers, figures, exercises, the site."""
