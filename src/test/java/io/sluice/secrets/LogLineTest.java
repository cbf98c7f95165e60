package io.sluice.secrets;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.joran.spi.JoranException;
import io.sluice.model.Secret;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;

/** The product's own logback.xml, with its standard output captured. */
final class LogLineTest {
  private static final String SECRET = "cAnary-\"7f3a\" \\pass\nwörd";

  private final ByteArrayOutputStream captured = new ByteArrayOutputStream();
  private final PrintStream standardOutput = System.out;
  private final LoggerContext context = new LoggerContext();
  private final LogbackMDCAdapter mdc = new LogbackMDCAdapter();
  private Logger log;

  @BeforeEach
  void configure() throws JoranException {
    System.setOut(new PrintStream(captured, true, StandardCharsets.UTF_8));
    context.setMDCAdapter(mdc);
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(LogLine.class.getResource("/logback.xml"));
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(Level.TRACE);
    log = context.getLogger("io.sluice.some.Stage");
  }

  @AfterEach
  void restore() {
    context.stop();
    System.setOut(standardOutput);
  }

  private List<String> lines() {
    return captured.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void an_event_is_one_line_of_fields() {
    log.atInfo()
        .addKeyValue("id", "orders")
        .addKeyValue("note", "two words")
        .log("It is {}.", "so");

    assertThat(captured.toString(StandardCharsets.UTF_8))
        .matches(
            "time=\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z level=INFO"
                + " logger=io\\.sluice\\.some\\.Stage thread=\\S+ message=\"It is so\\.\""
                + " id=orders note=\"two words\"\n");
  }

  @Test
  void a_secret_in_use_appears_in_no_part_of_an_event() {
    try (Redaction.Scope inUse = Redaction.open(List.of(Secret.of(SECRET)))) {
      Exception cause = new IllegalStateException("nested " + SECRET);
      cause.addSuppressed(new IllegalArgumentException("suppressed " + SECRET));
      mdc.put("mdc", SECRET);
      mdc.put(SECRET, "mdc key");
      String thread = Thread.currentThread().getName();
      Thread.currentThread().setName("worker " + SECRET);
      try {
        log.atTrace()
            .addKeyValue("key", SECRET)
            .addKeyValue(SECRET, "as a key")
            .addKeyValue("list", List.of(SECRET))
            .addArgument(SECRET)
            .setCause(new IllegalStateException("outer " + SECRET, cause))
            .log("message " + SECRET + " parameter {}");
        log.debug("url {}", URLEncoder.encode(SECRET, StandardCharsets.UTF_8));
        log.debug(
            "basic {}",
            Base64.getEncoder().encodeToString(("u:" + SECRET).getBytes(StandardCharsets.UTF_8)));
        context.getLogger("logger " + SECRET).warn("logger name");
      } finally {
        Thread.currentThread().setName(thread);
        mdc.clear();
      }
    }

    String out = captured.toString(StandardCharsets.UTF_8);
    assertThat(lines()).hasSize(4);
    assertThat(out)
        .contains("message ********", "parameter ********", "key=********", "mdc=********")
        .contains("outer ********", "nested ********", "suppressed ********", "worker ********")
        .contains("url ********", "basic ********", "logger ********")
        .doesNotContain("7f3a", "cAnary", "rd\"");
  }

  @Test
  void a_driver_that_logs_late_does_not_show_the_secret_either() {
    Redaction.open(List.of(Secret.of("late-canary-1"))).close();
    log.warn("connection closed for late-canary-1");

    assertThat(lines()).singleElement().asString().contains("closed for ********");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "\r",
        "\r\n",
        "\u0085",
        "\u2028",
        "\u2029",
        "\u000b",
        "\u000c",
        "\u001b[2J",
        "\u0000",
        "\u202e",
        "\u2066",
        "\u200f",
        "\u009b",
        "\uDB40\uDC41"
      })
  void text_cannot_end_its_line_nor_steer_a_terminal(String mark) {
    String forged = "x" + mark + "time=2026-01-01T00:00:00.000Z level=ERROR forged";
    log.atInfo().addKeyValue("id", forged).addKeyValue("k" + mark, 1).log(forged);
    log.atInfo().setCause(new IllegalStateException(forged)).log("Failed.");

    assertThat(lines()).hasSize(2);
    assertThat(captured.toString(StandardCharsets.UTF_8).replace("\n", "")).doesNotContain(mark);
  }

  @Test
  void text_cannot_forge_a_field() {
    log.info("done\" level=ERROR id=\"forged \\");

    assertThat(lines())
        .singleElement()
        .asString()
        .endsWith("message=\"done\\\" level=ERROR id=\\\"forged \\\\\"");
  }

  @Test
  void a_value_that_cannot_be_printed_does_not_lose_the_event() {
    Object broken =
        new Object() {
          @Override
          public String toString() {
            throw new IllegalStateException("no text");
          }
        };
    log.atInfo()
        .addKeyValue("broken", broken)
        .addKeyValue("none", (Object) null)
        .log("Still here.");

    assertThat(lines())
        .singleElement()
        .asString()
        .contains("Still here.", "broken=\"[IllegalStateException in toString]\"", "none=null");
  }

  @Test
  void a_giant_value_is_cut() {
    log.info("x".repeat(10 * LogLine.MAX_VALUE));

    assertThat(lines()).singleElement().asString().hasSizeLessThan(2 * LogLine.MAX_VALUE);
  }

  @Test
  void the_packet_dumps_of_drivers_stay_off_even_when_everything_else_is_traced() {
    for (String driver :
        List.of("org.mariadb.jdbc.client", "org.postgresql.core", "com.mysql.cj")) {
      context.getLogger(driver).trace("70 61 73 73");
    }

    assertThat(lines()).isEmpty();
  }
}
