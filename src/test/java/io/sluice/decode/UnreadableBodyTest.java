package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/**
 * What cannot be read is refused, says where it fails to parse, and leaves nothing of it behind.
 */
class UnreadableBodyTest {
  private static final String CANARY = "c4n4ryValue";
  private static final String XSI = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";

  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  static Stream<String> json() {
    return Stream.of(
        "",
        " ",
        "null",
        "\"" + CANARY + "\"",
        "[{\"password\":\"" + CANARY + "\"}]",
        CANARY,
        "{\"password\":\"" + CANARY,
        "{\"password\":" + CANARY + "}",
        "{\"password\":'" + CANARY + "'}",
        "{" + CANARY + ":1}",
        "{\"password\":\"" + CANARY + "\",}",
        "{\"password\":\"" + CANARY + "\n\"}",
        "{\"password\":\"\\x" + CANARY + "\"}",
        "{\"port\":01}",
        "{\"port\":NaN}",
        "{\"port\":" + "1".repeat(1000) + "}",
        "{/*" + CANARY + "*/}",
        "{} {}",
        "{}" + CANARY,
        "{}]",
        "{\"a\":1}}",
        "{\"secrets\":" + "[".repeat(8) + "]".repeat(8) + "}",
        "{\"a\":".repeat(10_000));
  }

  @ParameterizedTest
  @MethodSource
  void json(String body) {
    assertUnreadable(DecodeRoute.json(body));
  }

  static Stream<String> xml() {
    return Stream.of(
        "",
        "   ",
        CANARY,
        "<i>",
        "<i><password>" + CANARY + "</i>",
        "<i><password>" + CANARY + "</password></i>" + CANARY,
        "<i><password>" + CANARY + "</password></i><i/>",
        "<i/><!-- --><i/>",
        "<i>" + CANARY + "</i>",
        "<i><host>a</host>" + CANARY + "</i>",
        "<i><options>" + CANARY + "</options></i>",
        "<i><password><b>" + CANARY + "</b></password></i>",
        "<i><options><a><b>" + CANARY + "</b></a></options></i>",
        "<i a=\"" + CANARY + "\"/>",
        "<i><password b=\"" + CANARY + "\"/></i>",
        "<i xmlns=\"urn:x\"><password>" + CANARY + "</password></i>",
        "<n:i xmlns:n=\"urn:x\"/>",
        "<i " + XSI + " xsi:type=\"" + CANARY + "\"/>",
        "<i " + XSI + " xsi:nil=\"true\"/>",
        "<i " + XSI + "><password xsi:nil=\"true\">" + CANARY + "</password></i>",
        "<i " + XSI + "><password xsi:nil=\"" + CANARY + "\"/></i>",
        "<i><n:password>" + CANARY + "</n:password></i>",
        "<i><?" + CANARY + "?></i>",
        "<?" + CANARY + "?><i/>",
        "<i/><?" + CANARY + "?>",
        "<i>&" + CANARY + ";</i>",
        "<i><password>&" + CANARY + ";</password></i>",
        "<i><password>&#0;" + CANARY + "</password></i>",
        "<i><password>\u0001" + CANARY + "</password></i>",
        "<?xml version=\"1.1\"?><i><password>" + CANARY + "</password></i>",
        "<a>".repeat(9) + "</a>".repeat(9),
        "<a>".repeat(20_000),
        "<!DOCTYPE i><i/>",
        "<!DOCTYPE i [<!ELEMENT i ANY>]><i/>",
        "<!DOCTYPE i SYSTEM \"file:///etc/passwd\"><i/>",
        "<!DOCTYPE i [<!ENTITY x \"" + CANARY + "\">]><i><password>&x;</password></i>",
        "<!DOCTYPE i [<!ATTLIST password a CDATA \"" + CANARY + "\">]><i><password/></i>",
        billionLaughs());
  }

  private static String billionLaughs() {
    StringBuilder dtd = new StringBuilder("<!DOCTYPE i [<!ENTITY l0 \"lol\">");
    for (int i = 1; i < 10; i++) {
      dtd.append("<!ENTITY l" + i + " \"").append(("&l" + (i - 1) + ";").repeat(10)).append("\">");
    }
    return dtd + "]><i><host>&l9;</host></i>";
  }

  @ParameterizedTest
  @MethodSource
  void xml(String body) {
    assertUnreadable(DecodeRoute.xml(body));
  }

  @Test
  void aDoctypeIsRefusedRatherThanIgnored() {
    assertThat(route.refusal(DecodeRoute.xml("<!DOCTYPE i><i/>")))
        .hasMessage("An XML body must not have a DOCTYPE.");
  }

  @Test
  void anXmlBodyReadsNoFileAndCallsNobody(@TempDir Path directory) throws Exception {
    Path file = Files.writeString(directory.resolve("secret"), CANARY);
    try (ServerSocket server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
      server.setSoTimeout(200);
      String url = "http://127.0.0.1:" + server.getLocalPort() + "/x";
      for (String body :
          List.of(
              "<!DOCTYPE i [<!ENTITY x SYSTEM \"" + file.toUri() + "\">]><i><host>&x;</host></i>",
              "<!DOCTYPE i [<!ENTITY x SYSTEM \"" + url + "\">]><i><host>&x;</host></i>",
              "<!DOCTYPE i SYSTEM \"" + url + "\"><i/>",
              "<!DOCTYPE i PUBLIC \"x\" \"" + url + "\"><i/>",
              "<!DOCTYPE i [<!ENTITY % p SYSTEM \"" + url + "\"> %p;]><i/>",
              "<i " + XSI + " xsi:noNamespaceSchemaLocation=\"" + url + "\"/>",
              "<?xml-stylesheet href=\"" + url + "\"?><i/>")) {
        assertUnreadable(DecodeRoute.xml(body));
      }
      assertThat(calls(server)).isZero();
    }
  }

  private static int calls(ServerSocket server) throws Exception {
    try {
      server.accept().close();
      return 1;
    } catch (SocketTimeoutException nobodyCalled) {
      return 0;
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        CANARY,
        "password",
        "password=" + CANARY + "&" + CANARY,
        "password=%",
        "password=%4",
        "password=%zz" + CANARY,
        "password=%C3" + CANARY,
        "password=%ED%A0%80" + CANARY,
        "password=%FF",
        "password=%C0%80",
        "[{}]"
      })
  void form(String body) {
    assertUnreadable(DecodeRoute.form(body));
  }

  @Test
  void aBodyIsUtf8AndMayHaveAByteOrderMark() {
    for (Charset charset :
        List.of(StandardCharsets.ISO_8859_1, StandardCharsets.UTF_16, StandardCharsets.UTF_16LE)) {
      for (String type : List.of("application/json", "application/xml")) {
        String body = type.endsWith("xml") ? "<i><host>ü</host></i>" : "{\"username\":\"ü\"}";
        assertUnreadable(new Encoded(body.getBytes(charset), type, Encoded.Api.NATIVE, "x"));
      }
    }
    assertThat(route.update(DecodeRoute.json("\uFEFF{\"host\":\"a\"}")))
        .isEqualTo(route.update(DecodeRoute.xml("\uFEFF<i><host>a</host></i>")))
        .isEqualTo(route.update(DecodeRoute.form("\uFEFFhost=a")))
        .isEqualTo(route.update(DecodeRoute.form("\uFEFF \r\n\t{\"host\":\"a\"}")));
  }

  @Test
  void theSenderLearnsWhereTheSyntaxErrorIs() {
    assertThat(route.refusal(DecodeRoute.json("{\n \"a\": x}")))
        .hasMessageContaining("line 2, column");
    assertThat(route.refusal(DecodeRoute.xml("<i>\n<a></b></i>")))
        .hasMessageContaining("line 2, column");
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "text/plain",
        "text/xml",
        "text/xml; charset=utf-8",
        "application/jsonx",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/cloudevents+json",
        "multipart/form-data; boundary=x",
        "json",
        "application/json; charset=ISO-8859-1",
        "application/json; charset=\"utf-16\"",
        "application/xml;charset=us-ascii",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json, text/plain",
        "application/json; charset"
      })
  void anotherContentTypeIsNotSupported(String contentType) {
    assertThat(route.refusal(DecodeRoute.body(contentType, "{}")).reason())
        .isEqualTo(Reason.UNSUPPORTED_MEDIA_TYPE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json",
        "APPLICATION/Json",
        " application/json ",
        "application/json;charset=utf-8",
        "application/json; Charset=\"UTF-8\"",
        "application/json ; charset=Utf-8 ; version=1;",
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
      })
  void aContentTypeIsComparedInAnyCase(String contentType) {
    assertThat(route.update(DecodeRoute.body(contentType, "{\"port\":1}")))
        .isEqualTo(route.update(DecodeRoute.json("{\"port\":1}")));
  }

  @Test
  void anXmlDeclarationOfAnotherEncodingIsNotSupported() {
    assertThat(
            route
                .refusal(DecodeRoute.xml("<?xml version=\"1.0\" encoding=\"latin1\"?><i/>"))
                .reason())
        .isEqualTo(Reason.UNSUPPORTED_MEDIA_TYPE);
  }

  @Test
  void aBodyOverTheLimitIsTooLarge() {
    String space = " ".repeat(Encoded.MAX_BYTES - 2);
    assertThat(route.update(DecodeRoute.json(space + "{}")).changes()).isEmpty();
    assertThat(route.refusal(DecodeRoute.json(space + "{} ")).reason())
        .isEqualTo(Reason.BODY_TOO_LARGE);
  }

  /** Also the parsers' own messages quote what they cannot read, and Camel logs exceptions. */
  @Test
  void noLogLineHasAnyOfIt() {
    Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.list = Collections.synchronizedList(new ArrayList<>());
    Logger camel = (Logger) LoggerFactory.getLogger("org.apache.camel");
    Level before = root.getLevel();
    Level camelBefore = camel.getLevel();
    lines.start();
    root.addAppender(lines);
    root.setLevel(Level.DEBUG);
    camel.setLevel(Level.DEBUG);
    try {
      json().map(DecodeRoute::json).forEach(route::refusal);
      xml().map(DecodeRoute::xml).forEach(route::refusal);
      route.refusal(
          DecodeRoute.json("{\"password\":\"" + CANARY + "\",\"port\":\"" + CANARY + "\"}"));
      route.update(DecodeRoute.json("{\"password\":\"" + CANARY + "\"}"));
      route.update(DecodeRoute.xml("<i><password>" + CANARY + "</password></i>"));
      route.update(DecodeRoute.form("password=" + CANARY));
    } finally {
      root.setLevel(before);
      camel.setLevel(camelBefore);
      root.detachAppender(lines);
    }
    assertThat(lines.list).isNotEmpty();
    assertThat(List.copyOf(lines.list))
        .noneMatch(line -> line.getFormattedMessage().contains(CANARY))
        .noneMatch(
            line ->
                line.getThrowableProxy() != null
                    && String.valueOf(line.getThrowableProxy().getMessage()).contains(CANARY));
  }

  private static void assertUnreadable(Encoded encoded) {
    long before = System.nanoTime();
    Refusal refusal = route.refusal(encoded);
    assertThat(refusal.reason()).isEqualTo(Reason.MALFORMED_BODY);
    assertThat(refusal.getMessage()).doesNotContain(CANARY);
    assertThat(refusal).hasNoCause();
    assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(5));
  }
}
