"""The page that shows the OpenAPI document: `index.html` and `start.js`."""
