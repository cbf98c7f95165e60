package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.contract.DocumentedAnswers;
import io.sluice.servers.SluiceProcess;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page that shows the contract comes whole from this service, and talks to nobody else. */
class ContractPageTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final HttpClient CLIENT = HttpClient.newHttpClient();
  private static final Pattern REFERENCE = Pattern.compile("(?:src|href)=\"([^\"]*)\"");
  private static final Pattern ELSEWHERE =
      Pattern.compile("url\\((?!\\s*[\"']?(?:data:|#))|@import");
  private static final Map<String, String> TYPES =
      Map.of(
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "png", "image/png");

  private static HttpResponse<byte[]> get(URI address) throws Exception {
    HttpResponse<byte[]> answer =
        CLIENT.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofByteArray());
    DocumentedAnswers.check(
        "GET",
        address.getRawPath(),
        answer.statusCode(),
        answer.headers().map(),
        new String(answer.body(), UTF_8));
    return answer;
  }

  private static URI page() {
    return SLUICE.api().resolve("/docs");
  }

  private static List<String> references(String html) {
    return REFERENCE.matcher(html).results().map(found -> found.group(1)).toList();
  }

  @Test
  void thePageAndEachFileThatItNamesComeFromThisServiceWithoutAToken() throws Exception {
    HttpResponse<byte[]> page = get(page());
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("content-type")).contains("text/html; charset=utf-8");

    List<String> references = references(new String(page.body(), UTF_8));
    assertThat(references).hasSizeGreaterThan(2);
    for (String reference : references) {
      URI address = page().resolve(reference);
      assertThat(address.getAuthority()).isEqualTo(SLUICE.api().getAuthority());
      HttpResponse<byte[]> asset = get(address);
      assertThat(asset.statusCode()).as(reference).isEqualTo(200);
      assertThat(asset.body().length).as(reference).isGreaterThan(100);
      String kind = reference.substring(reference.lastIndexOf('.') + 1);
      assertThat(asset.headers().firstValue("content-type")).contains(TYPES.get(kind));
      assertThat(asset.headers().firstValue("x-content-type-options")).contains("nosniff");
      if (kind.equals("css")) {
        assertThat(ELSEWHERE.matcher(new String(asset.body(), UTF_8)).results())
            .extracting(MatchResult::group)
            .isEmpty();
      }
    }
  }

  @Test
  void thePolicyAllowsNoOtherHostAndNoScriptWithinThePage() throws Exception {
    HttpResponse<byte[]> page = get(page());
    String policy = page.headers().firstValue("content-security-policy").orElseThrow();

    assertThat(policy.split("; ", -1))
        .contains(
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'");
    assertThat(policy).doesNotContain("unsafe", "http", "*");
    String html = new String(page.body(), UTF_8);
    assertThat(
            Pattern.compile("<script(?![^>]* src=)|<style| style=| on\\w+=").matcher(html).find())
        .as(html)
        .isFalse();
  }

  @Test
  void thePageShowsTheContractOfThisInstanceAndKeepsNoToken() throws Exception {
    String script = new String(get(page().resolve("docs/page.js")).body(), UTF_8);

    assertThat(script)
        .contains("url: \"openapi.json\"", "validatorUrl: null", "persistAuthorization: false")
        .doesNotContain("://");
    assertThat(get(page().resolve("openapi.json")).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/docs/",
        "/docs/swagger-ui.js",
        "/docs/index.html",
        "/docs/..%2flogback.xml",
        "/docs/%2e%2e/logback.xml",
        "/docs/page.js/",
        "/docs/swagger-initializer.js"
      })
  void nothingElseIsServedFromThere(String address) throws Exception {
    assertThat(get(SLUICE.api().resolve(address)).statusCode()).isEqualTo(404);
  }
}
