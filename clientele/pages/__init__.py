"""What the pages are made of: numbers in words of a locale, charts, style, and the file."""
