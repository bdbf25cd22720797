"""What a page uses: claims, explorers, figures, tables, numbers, guesses, exercises, and how each is shown."""
