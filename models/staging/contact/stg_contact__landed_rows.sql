{{ landed_rows('contact', contact_sources()) }}
