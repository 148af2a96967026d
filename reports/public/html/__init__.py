"""The public report: one self-contained HTML file without scripts, requests or inline styles, of rows of people."""
