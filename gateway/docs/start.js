// Swagger UI 4 reads OpenAPI 3.0: types that may be null are written differently there.
function asOpenApi30(part) {
  if (part === null || typeof part !== "object") return part;
  for (const key of Object.keys(part)) part[key] = asOpenApi30(part[key]);
  if (Array.isArray(part.type)) {
    part.nullable = part.type.includes("null");
    part.type = part.type.find((name) => name !== "null");
  }
  return part;
}

fetch("/openapi.json")
  .then((answer) => answer.json())
  .then((spec) => {
    window.SwaggerUIBundle({ spec: { ...asOpenApi30(spec), openapi: "3.0.3" }, dom_id: "#api", deepLinking: true });
  });
