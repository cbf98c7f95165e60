// The contract of this instance, rendered. What a reader types, tokens above all, stays in the page:
// nothing is kept, and nothing goes to another host (no validator's badge, no remote document).
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  validatorUrl: null,
  persistAuthorization: false,
  queryConfigEnabled: false,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
});
