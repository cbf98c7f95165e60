package io.sluice.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.SluiceProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URLEncoder;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The requests of the published client libraries, byte for byte as each of them builds its own: the
 * request line, the headers and the body of a token request and of an update. The base address has
 * plain HTTP.
 */
class ZohoClientsTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final Api API = new Api(SLUICE);
  private static final ObjectMapper ASCII =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
  private static final int READ_LIMIT_MILLIS = 30_000;

  private static final String USER = "lib" + UUID.randomUUID().toString().substring(0, 8);

  /** Quotes, {@code &}, {@code +}, {@code %}, a space, and letters beyond ASCII. */
  private static final String PASSWORD = CANARIES.awkwardSecret("the target's password").reveal();

  private static JsonNode credentials;

  /** How a library writes its requests. */
  enum Library {
    /** NodeJS, v2.6.0: JSON as it is, {@code %20} for a space, no body, no content type. */
    NODE {
      @Override
      String update(String path, ObjectNode config, String token) {
        return "PUT "
            + path
            + "?CONFIG="
            + percentTwenty(config.toString())
            + " HTTP/1.1\r\n"
            + "ZANALYTICS-ORGID: "
            + SLUICE.organization()
            + "\r\nUser-Agent: Analytics NodeJS Client v2.6.0\r\n"
            + "Authorization: Zoho-oauthtoken "
            + token
            + "\r\nHost: "
            + host()
            + "\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
      }

      @Override
      String token(String parameters) {
        return "POST /oauth/v2/token HTTP/1.1\r\n"
            + "Content-Type: application/x-www-form-urlencoded\r\n"
            + "User-Agent: Analytics NodeJS Client v2.6.0\r\nContent-Length: "
            + parameters.length()
            + "\r\nHost: "
            + host()
            + "\r\nConnection: keep-alive\r\n\r\n"
            + parameters;
      }
    },

    /** Python, v2.5.0: {@code json.dumps} with backslash-u escapes, {@code quote_plus}. */
    PYTHON {
      @Override
      String update(String path, ObjectNode config, String token) {
        String spaced = ascii(config).replace("\",\"", "\", \"").replace("\":", "\": ");
        return "PUT "
            + path
            + "?CONFIG="
            + plus(spaced)
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nUser-Agent: Analytics Python Client v2.5.0\r\n"
            + "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
            + "ZANALYTICS-ORGID: "
            + SLUICE.organization()
            + "\r\nAuthorization: Zoho-oauthtoken "
            + token
            + "\r\nContent-Length: 0\r\n\r\n";
      }

      @Override
      String token(String parameters) {
        return "POST /oauth/v2/token?"
            + parameters
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nUser-Agent: Analytics Python Client v2.5.0\r\n"
            + "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
            + "Content-Length: 0\r\n\r\n";
      }
    },

    /** Java, v2.6.0: the body is {@code CONFIG=} and then JSON that nobody encoded. */
    JAVA {
      @Override
      String update(String path, ObjectNode config, String token) {
        return form(
            "PUT " + path,
            "CONFIG=" + config,
            "ZANALYTICS-ORGID: "
                + SLUICE.organization()
                + "\r\nAuthorization: Zoho-oauthtoken "
                + token
                + "\r\n");
      }

      @Override
      String token(String parameters) {
        return form("POST /oauth/v2/token", parameters, "");
      }

      private String form(String line, String body, String headers) {
        return line
            + " HTTP/1.1\r\n"
            + headers
            + "Content-Type: application/x-www-form-urlencoded\r\n"
            + "User-Agent: Analytics Java Client v2.6.0\r\nCache-Control: no-cache\r\n"
            + "Pragma: no-cache\r\nHost: "
            + host()
            + "\r\nAccept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2\r\n"
            + "Connection: keep-alive\r\nContent-Length: "
            + body.getBytes(UTF_8).length
            + "\r\n\r\n"
            + body;
      }
    },

    /** PHP: {@code json_encode}, {@code urlencode}, and neither a body nor its length. */
    PHP {
      @Override
      String update(String path, ObjectNode config, String token) {
        return "PUT "
            + path
            + "?CONFIG="
            + plus(ascii(config).replace("/", "\\/"))
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nAccept: */*\r\nZANALYTICS-ORGID: "
            + SLUICE.organization()
            + "\r\nAuthorization: Zoho-oauthtoken "
            + token
            + "\r\nUser-Agent: Analytics PHP Client v2.5.0\r\n\r\n";
      }

      @Override
      String token(String parameters) {
        return "POST /oauth/v2/token?"
            + parameters
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nAccept: */*\r\nUser-Agent: Analytics PHP Client v2.5.0\r\n\r\n";
      }
    },

    /** The documentation's curl: {@code --data-urlencode} makes it a form body. */
    CURL {
      @Override
      String update(String path, ObjectNode config, String token) {
        String body = "CONFIG=" + percentTwenty(config.toString());
        return "PUT "
            + path
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\nZANALYTICS-ORGID: "
            + SLUICE.organization()
            + "\r\nAuthorization: Zoho-oauthtoken "
            + token
            + "\r\nContent-Length: "
            + body.length()
            + "\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
            + body;
      }

      @Override
      String token(String parameters) {
        return PHP.token(parameters).replace("Analytics PHP Client v2.5.0", "curl/8.14.1");
      }
    },

    /** Deluge: {@code urlEncode} of the map's text, in the address. */
    DELUGE {
      @Override
      String update(String path, ObjectNode config, String token) {
        return "PUT "
            + path
            + "?CONFIG="
            + plus(config.toString())
            + " HTTP/1.1\r\nHost: "
            + host()
            + "\r\nZANALYTICS-ORGID: "
            + SLUICE.organization()
            + "\r\nAuthorization: Zoho-oauthtoken "
            + token
            + "\r\nContent-Length: 0\r\n\r\n";
      }

      @Override
      String token(String parameters) {
        return NODE.token(parameters);
      }
    };

    abstract String update(String path, ObjectNode config, String token);

    /** The four parameters, joined as a form. */
    abstract String token(String parameters);

    private static String host() {
      return SLUICE.api().getAuthority();
    }

    private static String plus(String text) {
      return URLEncoder.encode(text, UTF_8);
    }

    /** JavaScript's {@code encodeURIComponent}. */
    private static String percentTwenty(String text) {
      return plus(text)
          .replace("+", "%20")
          .replace("%21", "!")
          .replace("%27", "'")
          .replace("%28", "(")
          .replace("%29", ")")
          .replace("%7E", "~");
    }

    private static String ascii(ObjectNode config) {
      try {
        return ASCII.writeValueAsString(config);
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** An answer as the bytes have it. */
  private record Received(int status, String head, String body) {
    JsonNode json() {
      try {
        return Api.JSON.readTree(body);
      } catch (JsonProcessingException e) {
        throw new AssertionError("The answer is no JSON: " + body, e);
      }
    }
  }

  /** A connection that is used again, as the libraries use theirs. */
  private static final class KeptConnection implements AutoCloseable {
    private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: (\\d+)\r\n");
    private final Socket socket;

    KeptConnection() throws IOException {
      socket = new Socket(SLUICE.api().getHost(), SLUICE.api().getPort());
      socket.setSoTimeout(READ_LIMIT_MILLIS);
    }

    Received send(String request) throws IOException {
      socket.getOutputStream().write(request.getBytes(UTF_8));
      InputStream in = socket.getInputStream();
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      while (!head.toString(ISO_8859_1).endsWith("\r\n\r\n")) {
        int next = in.read();
        assertThat(next).as("the connection has ended after: %s", head).isNotNegative();
        head.write(next);
      }
      String text = head.toString(US_ASCII);
      Matcher length = LENGTH.matcher(text);
      int bytes = length.find() ? Integer.parseInt(length.group(1)) : 0;
      return new Received(
          Integer.parseInt(text.substring(9, 12)), text, new String(in.readNBytes(bytes), UTF_8));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @BeforeAll
  static void createTargetAndClient() {
    MARIA.execute(
        "create user '"
            + USER
            + "'@'%' identified by '"
            + PASSWORD.replace("\\", "\\\\").replace("'", "''")
            + "'");
    credentials =
        API.request("POST", "/clients")
            .admin()
            .json(
                Api.object(
                    Map.of(
                        "workspace",
                        SLUICE.workspace(),
                        "name",
                        "libraries",
                        "scopes",
                        new String[] {"ZohoAnalytics.metadata.update"})))
            .send()
            .json();
  }

  @AfterAll
  static void noSecretLeaked() {
    API.assertNoSecretLeaked(CANARIES);
  }

  private static String parameters() {
    return "client_id="
        + credentials.path("id").asText()
        + "&client_secret="
        + credentials.path("client_secret").asText()
        + "&refresh_token="
        + credentials.path("refresh_token").asText()
        + "&grant_type=refresh_token";
  }

  private static String path(String id) {
    return "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources/" + id;
  }

  private static ObjectNode config() {
    return Api.JSON
        .createObjectNode()
        .put("serviceName", "LOCAL DATABASE")
        .put("databaseType", "MARIADB")
        .put("hostName", MARIA.host())
        .put("port", Integer.toString(MARIA.port()))
        .put("userName", USER)
        .put("password", PASSWORD);
  }

  private static int version(String id) {
    return API.get("/datasources/" + id).send().json().path("version").asInt();
  }

  @ParameterizedTest
  @EnumSource
  void aLibraryWhoseTokenHasEndedGetsAnotherOneAndRepeatsItsUpdate(Library library)
      throws IOException {
    String id = API.create(API.works());
    try (KeptConnection connection = new KeptConnection()) {
      Received expired = connection.send(library.update(path(id), config(), "1000.old.token"));
      assertThat(expired.status()).isEqualTo(401);
      JsonNode code = expired.json().path("data").path("errorCode");
      assertThat(code.isInt()).as("libraries compare it as a number").isTrue();
      assertThat(code.asInt()).isEqualTo(8535);

      Received issued = connection.send(library.token(parameters()));
      assertThat(issued.status()).as(issued.body()).isEqualTo(200);
      assertThat(issued.json().has("error")).isFalse();
      String token = issued.json().path("access_token").textValue();
      assertThat(version(id)).isEqualTo(1);

      Received updated = connection.send(library.update(path(id), config(), token));
      assertThat(updated.status()).as(updated.body()).isEqualTo(204);
      assertThat(version(id)).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void anAnswerWithoutABodyLeavesTheConnectionUsable(Library library) throws IOException {
    String id = API.create(API.works());
    String token = API.token("ZohoAnalytics.metadata.update");
    try (KeptConnection connection = new KeptConnection()) {
      for (int round = 2; round < 4; round++) {
        Received updated = connection.send(library.update(path(id), config(), token));
        assertThat(updated.status()).as(updated.body()).isEqualTo(204);
        assertThat(updated.head().toLowerCase(Locale.ROOT))
            .doesNotContain("\ncontent-length", "\ntransfer-encoding", "\ncontent-type");
        assertThat(version(id)).isEqualTo(round);
      }
    }
  }

  @Test
  void theSampleOfThePageHasNoOrganizationAndIsToldSo() throws IOException {
    String sample =
        Library.NODE
            .update(path("demo"), config(), SLUICE.token())
            .replaceFirst("ZANALYTICS-ORGID: \\S+\r\n", "");
    try (KeptConnection connection = new KeptConnection()) {
      Received answer = connection.send(sample);
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.json().at("/data/errorCode").asInt()).isEqualTo(8083);
    }
  }

  @Test
  void configInTwoPlacesIsRefused() throws IOException {
    String id = API.create(API.works());
    String twice =
        Library.CURL
            .update(path(id), config(), SLUICE.token())
            .replaceFirst(" HTTP/1.1", "?CONFIG=%7B%7D HTTP/1.1");
    try (KeptConnection connection = new KeptConnection()) {
      Received answer = connection.send(twice);
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.json().at("/data/errorCode").asInt()).isEqualTo(8080);
      assertThat(answer.json().at("/data/errorMessage").asText())
          .isEqualTo("CONFIG is given twice.");
      assertThat(version(id)).isEqualTo(1);
    }
  }
}
