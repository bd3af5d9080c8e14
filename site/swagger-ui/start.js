// Shows the document that the page names, or the one that a static page brings along.
const page = document.getElementById("swagger-ui");
const brought = window.apiDocument;

window.SwaggerUIBundle({
  domNode: page,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  // Nothing is sent to anybody else.
  validatorUrl: null,
  // A static page has no service behind it to try things out with.
  ...(brought ? { spec: brought, supportedSubmitMethods: [] } : { url: page.dataset.document }),
});
