package io.sluice.secrets;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.model.Secret;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RedactionTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectMapper ASCII_JSON =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  /** A way to write a secret, and its result. */
  record Written(String secret, String form) {}

  /** Without the asterisk: what is left of such a secret could not be told from the mask. */
  @Provide
  Arbitrary<String> secrets() {
    Arbitrary<Integer> codePoints =
        Arbitraries.frequencyOf(
            Tuple.of(6, Arbitraries.integers().between(0x20, 0x7E)),
            Tuple.of(2, Arbitraries.of(0x09, 0x0A, 0x22, 0x25, 0x26, 0x2B, 0x2F, 0x3C, 0x5C)),
            Tuple.of(1, Arbitraries.integers().between(0xA1, 0x2FFF)),
            Tuple.of(1, Arbitraries.integers().between(0x1F300, 0x1F6FF)));
    return codePoints
        .filter(c -> c != '*')
        .list()
        .ofMinSize(4)
        .ofMaxSize(200)
        .map(list -> list.stream().map(Character::toString).collect(Collectors.joining()));
  }

  @Provide
  Arbitrary<Written> written() {
    return Combinators.combine(secrets(), Arbitraries.integers().between(0, 11))
        .as((secret, way) -> new Written(secret, write(secret, way)));
  }

  private static String write(String secret, int way) {
    byte[] utf8 = secret.getBytes(StandardCharsets.UTF_8);
    return switch (way) {
      case 0 -> secret;
      case 1 -> URLEncoder.encode(secret, StandardCharsets.UTF_8);
      case 2 -> URLEncoder.encode(secret, StandardCharsets.UTF_8).replace("+", "%20");
      case 3 -> everyBytePercentEncoded(utf8).toLowerCase(Locale.ROOT);
      case 4 -> Base64.getEncoder().encodeToString(utf8);
      case 5 -> Base64.getEncoder().withoutPadding().encodeToString(utf8);
      case 6 -> Base64.getUrlEncoder().encodeToString(utf8);
      case 7 -> Base64.getUrlEncoder().withoutPadding().encodeToString(utf8);
      case 8 -> json(JSON, secret);
      case 9 -> json(ASCII_JSON, secret).replace("/", "\\/");
      case 10 -> secret.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
      default -> URLEncoder.encode(json(ASCII_JSON, secret), StandardCharsets.UTF_8);
    };
  }

  private static String everyBytePercentEncoded(byte[] utf8) {
    StringBuilder text = new StringBuilder();
    for (byte b : utf8) {
      text.append(String.format("%%%02X", b));
    }
    return text.toString();
  }

  private static String json(ObjectMapper mapper, String value) {
    try {
      String quoted = mapper.writeValueAsString(value);
      return quoted.substring(1, quoted.length() - 1);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  @Property(tries = 2000)
  void a_secret_leaves_no_trace_however_it_is_written(@ForAll("written") Written written) {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, written.secret())) {
      assertThat(index.scrub("before\uE000" + written.form() + "\uE000after"))
          .isEqualTo("before\uE000********\uE000after");
    }
  }

  @Property(tries = 500)
  void a_secret_is_found_in_the_middle_of_something_that_was_encoded_as_a_whole(
      @ForAll("secrets") String secret, @ForAll String before, @ForAll String after) {
    byte[] whole = (before + secret + after).getBytes(StandardCharsets.UTF_8);
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, secret)) {
      assertThat(index.scrub("Basic " + Base64.getEncoder().encodeToString(whole) + " realm"))
          .isEqualTo("Basic ******** realm");
    }
  }

  @Property(tries = 500)
  void a_json_document_is_still_json_after_scrubbing(
      @ForAll("secrets") String secret, @ForAll("secrets") String other)
      throws JsonProcessingException {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, secret)) {
      String document = JSON.writeValueAsString(List.of(other + secret + other, other, secret));

      assertThat(JSON.readTree(index.scrub(document))).hasSize(3);
    }
  }

  @Property(tries = 500)
  void text_without_a_secret_is_handed_back_as_it_is(@ForAll String text) {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, "\uFFF9not in there")) {
      assertThat(index.scrub(text)).isSameAs(text);
    }
  }

  @Test
  void the_process_wide_scrub_knows_a_secret_while_its_scope_is_open() {
    assertThat(Redaction.scrub("nothing known: tHe-PasSwoRd-1")).contains("tHe-PasSwoRd-1");

    try (Redaction.Scope open = Redaction.open(List.of(Secret.of("tHe-PasSwoRd-1")))) {
      assertThat(open).isNotNull();
      assertThat(Redaction.scrub("jdbc:x?password=tHe-PasSwoRd-1&user=u"))
          .isEqualTo("jdbc:x?password=********&user=u");
    }
  }

  @Test
  void overlapping_secrets_are_hidden_completely() {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, "abcd", "bcdefghijk", "ijklmn")) {
      assertThat(index.scrub("abcdefghijklmn abcd-ijklmn")).isEqualTo("******** ********-********");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "password=pw1, password=********",
    "'a cat, a pw1', 'a cat, a ********'",
    "pw12, pw12",
    "xpw1, xpw1",
    "päpw1, päpw1"
  })
  void a_secret_of_three_bytes_is_replaced_as_a_word_only(String text, String scrubbed) {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, "pw1")) {
      assertThat(index.scrub(text)).isEqualTo(scrubbed);
    }
  }

  @Test
  void a_secret_of_four_bytes_is_replaced_inside_words_too() {
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, "root")) {
      assertThat(index.scrub("chroot")).isEqualTo("ch********");
    }
  }

  @Test
  void the_lines_of_a_private_key_are_hidden_however_they_are_joined() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    byte[] der = generator.generateKeyPair().getPrivate().getEncoded();
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    String pem = "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n";
    List<String> lines = body.lines().toList();

    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, pem)) {
      for (String form :
          List.of(
              pem,
              pem.replace("\n", "\r\n"),
              pem.replace("\n", " "),
              pem.replace("\n", ""),
              json(JSON, pem),
              URLEncoder.encode(pem, StandardCharsets.UTF_8))) {
        String scrubbed = index.scrub(form);
        assertThat(lines).noneMatch(line -> scrubbed.contains(line.substring(0, 8)));
      }
      String whole = Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.UTF_8));
      assertThat(index.scrub(whole)).isEqualTo("********");
    }
  }

  @Test
  void a_long_secret_is_hidden_even_when_the_text_was_cut_short() {
    String token = IntStream.range(0, 100).mapToObj(i -> i + "x").collect(Collectors.joining());
    RedactionIndex index = index();
    try (Redaction.Scope open = scope(index, token)) {
      assertThat(index.scrub(token.substring(0, 200))).hasSizeLessThan(8 + 64);
    }
  }

  @Test
  void a_secret_in_two_scopes_stays_hidden_until_both_are_closed_and_a_minute_has_passed() {
    AtomicLong nanos = new AtomicLong();
    RedactionIndex index = new RedactionIndex(nanos::get);
    Redaction.Scope first = scope(index, "s3cret");
    Redaction.Scope second = scope(index, "s3cret");
    first.close();
    first.close();
    nanos.addAndGet(RedactionIndex.RETENTION.multipliedBy(2).toNanos());
    assertThat(index.scrub("s3cret")).isEqualTo("********");

    second.close();
    nanos.addAndGet(RedactionIndex.RETENTION.toNanos() - 1);
    assertThat(index.scrub("s3cret")).isEqualTo("********");
    nanos.addAndGet(1);
    assertThat(index.scrub("s3cret")).isEqualTo("s3cret");
  }

  @Test
  void a_secret_that_is_used_again_is_not_forgotten_with_its_first_use() {
    AtomicLong nanos = new AtomicLong();
    RedactionIndex index = new RedactionIndex(nanos::get);
    scope(index, "s3cret").close();
    Redaction.Scope again = scope(index, "s3cret");
    nanos.addAndGet(RedactionIndex.RETENTION.multipliedBy(2).toNanos());

    assertThat(index.scrub("s3cret")).isEqualTo("********");
    again.close();
  }

  @Test
  void secrets_that_share_a_piece_do_not_forget_it_together() {
    AtomicLong nanos = new AtomicLong();
    RedactionIndex index = new RedactionIndex(nanos::get);
    String shared = "p".repeat(64);
    Redaction.Scope stays = scope(index, shared + "1".repeat(64));
    scope(index, shared + "2".repeat(64)).close();
    nanos.addAndGet(RedactionIndex.RETENTION.toNanos());

    assertThat(index.scrub(shared)).isEqualTo("********");
    stays.close();
  }

  @Test
  void retired_secrets_are_bounded_and_the_oldest_are_forgotten_first() {
    RedactionIndex index = index();
    int more = RedactionIndex.MAX_RETIRED_PATTERNS;
    for (int i = 0; i < more; i++) {
      scope(index, "number-" + i + "-secret").close();
    }

    assertThat(index.scrub("number-0-secret")).isEqualTo("number-0-secret");
    assertThat(index.scrub("number-" + (more - 1) + "-secret")).isEqualTo("********");
  }

  @Test
  void a_secret_is_hidden_in_every_thread_while_others_come_and_go() throws Exception {
    RedactionIndex index = index();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (Redaction.Scope mine = scope(index, "prefix-mine")) {
      List<Callable<List<String>>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        String name = "prefix-" + t + "-";
        tasks.add(
            () -> {
              List<String> shown = new ArrayList<>();
              for (int i = 0; i < 2000; i++) {
                try (Redaction.Scope open = scope(index, name + i, "prefix-shared")) {
                  String scrubbed = index.scrub(name + i + " prefix-mine prefix-shared");
                  if (!scrubbed.equals("******** ******** ********")) {
                    shown.add(scrubbed);
                  }
                }
              }
              return shown;
            });
      }
      for (Future<List<String>> each : threads.invokeAll(tasks)) {
        assertThat(each.get()).isEmpty();
      }
      assertThat(index.scrub("prefix-mine")).isEqualTo("********");
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void scrubbing_costs_the_same_whether_ten_secrets_are_known_or_thousands() {
    String line = "An update was applied. id=orders version=7 host=db.example ".repeat(20);
    RedactionIndex few = index();
    IntStream.range(0, 10).forEach(i -> scope(few, "few-" + i + "-secret"));
    RedactionIndex many = index();
    IntStream.range(0, 10_000).forEach(i -> scope(many, "many-" + i + "-secret"));
    nanosPerScrub(few, line);
    nanosPerScrub(many, line);

    // Linear in the number of secrets would be a thousand times as long.
    assertThat(nanosPerScrub(many, line)).isLessThan(50 * nanosPerScrub(few, line));
  }

  private static long nanosPerScrub(RedactionIndex index, String line) {
    long start = System.nanoTime();
    for (int i = 0; i < 2000; i++) {
      assertThat(index.scrub(line)).isSameAs(line);
    }
    return (System.nanoTime() - start) / 2000;
  }

  private static RedactionIndex index() {
    return new RedactionIndex(System::nanoTime);
  }

  private static Redaction.Scope scope(RedactionIndex index, String... secrets) {
    return new Redaction.Scope(index, Stream.of(secrets).map(Secret::of).toList());
  }
}
