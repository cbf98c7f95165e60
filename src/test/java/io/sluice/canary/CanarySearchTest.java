package io.sluice.canary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Secret;
import io.sluice.secrets.Redaction;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CanarySearchTest {
  private final CanarySearch canaries = new CanarySearch();
  private final Secret plain = canaries.secret("database password");
  private final Secret awkward = canaries.awkwardSecret("bastion password");

  @TempDir Path directory;

  @Test
  void every_form_of_a_canary_is_found_and_named() throws IOException {
    for (Secret secret : List.of(plain, awkward)) {
      String value = secret.reveal();
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      for (String leak :
          List.of(
              value,
              URLEncoder.encode(value, StandardCharsets.UTF_8),
              URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20"),
              new ObjectMapper().writeValueAsString(Map.of("password", value)),
              Base64.getEncoder().encodeToString(utf8),
              Base64.getUrlEncoder().withoutPadding().encodeToString(utf8),
              Base64.getEncoder().encodeToString(("u:" + value).getBytes(StandardCharsets.UTF_8)),
              Base64.getEncoder()
                  .encodeToString(("user:" + value + "!").getBytes(StandardCharsets.UTF_8)))) {
        assertThatThrownBy(() -> canaries.assertNoneIn("answer", "x" + leak + "y"))
            .isInstanceOf(AssertionError.class)
            .hasMessageContaining("answer holds")
            .hasMessageContaining(secret.equals(plain) ? "database password" : "bastion password")
            .hasMessageNotContaining(value);
      }
    }
  }

  @Test
  void text_without_a_canary_passes() {
    assertThatCode(() -> canaries.assertNoneIn("answer", "password=******** Cnry-"))
        .doesNotThrowAnyException();
  }

  @Test
  void a_canary_in_a_file_deep_below_a_directory_is_found_even_across_two_blocks()
      throws IOException {
    Path file = Files.createDirectories(directory.resolve("a/b")).resolve("data");
    byte[] secret = plain.reveal().getBytes(StandardCharsets.UTF_8);
    for (int offset : new int[] {0, 7, CanarySearch.BLOCK - 10, CanarySearch.BLOCK}) {
      byte[] content = new byte[2 * CanarySearch.BLOCK + 5];
      System.arraycopy(secret, 0, content, offset, secret.length);
      Files.write(file, content);
      assertThatThrownBy(() -> canaries.assertNoneIn(directory))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining(file.toString());
    }
    Files.write(file, new byte[CanarySearch.BLOCK]);
    assertThatCode(() -> canaries.assertNoneIn(directory)).doesNotThrowAnyException();
  }

  @Test
  void a_search_of_nothing_is_not_a_success() {
    assertThatThrownBy(() -> canaries.assertNoneIn(directory))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("nothing to search");
  }

  @Test
  void what_the_product_scrubbed_holds_no_canary() throws IOException {
    try (Redaction.Scope inUse = Redaction.open(List.of(plain, awkward))) {
      for (Secret secret : List.of(plain, awkward)) {
        String json = new ObjectMapper().writeValueAsString(secret.reveal());
        String all =
            String.join(
                " ",
                secret.reveal(),
                json,
                new ObjectMapper().writeValueAsString(json),
                URLEncoder.encode(json, StandardCharsets.UTF_8),
                Base64.getEncoder()
                    .encodeToString(("u:" + secret.reveal()).getBytes(StandardCharsets.UTF_8)));
        assertThat(all).isNotEqualTo(Redaction.scrub(all));
        canaries.assertNoneIn("scrubbed text", Redaction.scrub(all));
      }
    }
  }
}
