"""Receipts and statements, drawn as HTML for screens and as PDF for keeping."""
