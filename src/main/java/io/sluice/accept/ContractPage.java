package io.sluice.accept;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.camel.ExchangeProperty;

/**
 * The contract, and as a page to browse: {@code GET /docs}. Everything that it needs comes from
 * this service and from a closed list of files, read once at the start: no name of a client's is
 * ever a path. The page shows what {@code /openapi.json} shows, so it is as public as that.
 */
public final class ContractPage {
  /**
   * What the page may load and whom it may talk to: this service, and no script within the page.
   */
  static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private static final String LIBRARY = "META-INF/resources/webjars/swagger-ui/";
  private static final String LIBRARY_VERSION =
      "META-INF/maven/org.webjars/swagger-ui/pom.properties";
  private static final String SCRIPT = "text/javascript; charset=utf-8";
  private static final String ADDRESS = "/docs/";

  private final HttpAnswer contract;
  private final HttpAnswer page;
  private final Map<String, HttpAnswer> assets = new HashMap<>();

  /**
   * Reads all files.
   *
   * @param contract the OpenAPI document, written once
   */
  public ContractPage(HttpAnswer contract) {
    this.contract = contract;
    page = answer("text/html; charset=utf-8", "docs/index.html");
    String library = LIBRARY + libraryVersion() + "/";
    assets.put("page.js", answer(SCRIPT, "docs/page.js"));
    assets.put("swagger-ui-bundle.js", answer(SCRIPT, library + "swagger-ui-bundle.js"));
    assets.put("swagger-ui.css", answer("text/css; charset=utf-8", library + "swagger-ui.css"));
    assets.put("favicon-32x32.png", answer("image/png", library + "favicon-32x32.png"));
  }

  /** {@code GET /openapi.json}. */
  public HttpAnswer contract(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    new Query(request, Set.of()).check();
    return contract;
  }

  /** {@code GET /docs}. */
  public HttpAnswer page(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    new Query(request, Set.of()).check();
    return page;
  }

  /** {@code GET /docs/{asset}}. */
  public HttpAnswer asset(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    new Query(request, Set.of()).check();
    HttpAnswer asset = assets.get(request.path().substring(ADDRESS.length()));
    if (asset == null) {
      throw Refusal.because(Reason.NOT_FOUND);
    }
    return asset;
  }

  private static HttpAnswer answer(String contentType, String resource) {
    return new HttpAnswer(
        200, contentType, bytes(resource), Map.of("Content-Security-Policy", POLICY));
  }

  private static String libraryVersion() {
    Properties properties = new Properties();
    try (InputStream in = open(LIBRARY_VERSION)) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  private static byte[] bytes(String resource) {
    try (InputStream in = open(resource)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String resource) {
    InputStream in = ContractPage.class.getClassLoader().getResourceAsStream(resource);
    if (in == null) {
      throw new IllegalStateException("The class path lacks " + resource + ".");
    }
    return in;
  }
}
