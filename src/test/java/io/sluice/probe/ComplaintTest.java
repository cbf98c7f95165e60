package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.servers.TestCa;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a hint says of a certificate is true, short and plain text, whoever made it. */
class ComplaintTest {
  private static final TestCa CA = TestCa.create("Good CA");

  @Test
  void aHostileCertificateGetsLittleRoom() {
    String[] hosts =
        IntStream.range(0, 100).mapToObj(i -> "n" + i + "\n\u001b[31m<b>").toArray(String[]::new);
    hosts[0] = "x".repeat(5000);
    X509Certificate certificate = CA.server(hosts).certificate();

    String hint = Complaint.otherHost(certificate, "db.example").hint();

    assertThat(hint)
        .hasSizeLessThan(600)
        .matches("[\\x20-\\x7e]+")
        .doesNotContain("<", ">")
        .contains("x".repeat(64) + "...", "n1??", "n3??", " and 96 more", "host is db.example")
        .doesNotContain("n4");

    TestCa evil = TestCa.create("\u202eevil\u0007\"\n<script>, CN=Good CA");
    String issuer =
        Complaint.untrusted(
                List.of(evil.server("db.example").certificate()), List.of(CA.certificate()), true)
            .hint();
    assertThat(issuer).contains("\"?evil???").matches("[\\x20-\\x7e]+").doesNotContain("<");
    assertThat(issuer.chars().filter(each -> each == '"').count()).isEqualTo(2);
  }

  @Test
  void anAuthorityThatIsTrustedIsNotWhatIsMissing() {
    X509Certificate client = CA.client("db.example").certificate();

    Complaint complaint = Complaint.untrusted(List.of(client), List.of(CA.certificate()), true);

    assertThat(complaint.field()).isEqualTo(Field.SSL);
    assertThat(complaint.hint()).contains("\"Good CA\" is trusted", "Server Authentication");
  }

  @Test
  void theCertificateThatHasEndedIsTheOneThatIsNamed() {
    X509Certificate good = CA.server("db.example").certificate();
    X509Certificate middle =
        CA.request("Middle CA")
            .validFrom(Instant.parse("2020-01-01T00:00:00Z"))
            .validTo(Instant.parse("2021-02-03T04:05:00Z"))
            .server()
            .certificate();

    Complaint sent = Complaint.outOfDate(List.of(good, middle), List.of(), true, Instant.now());
    Complaint trusted = Complaint.outOfDate(List.of(good), List.of(middle), true, Instant.now());

    assertThat(sent.field()).isNull();
    assertThat(sent.hint())
        .contains("\"Middle CA\", which the server sends", "ended on 2021-02-03 04:05 UTC");
    assertThat(trusted.field()).isEqualTo(Field.SSL_CA);
    assertThat(trusted.hint()).contains("\"Middle CA\" of sslCA ended on 2021-02-03");
  }

  @ParameterizedTest
  @CsvSource({
    "PT119H59M59S, 5 days", "PT120H, 5 days", "PT120H1S, 6 days", "PT48H, 2 days",
    "PT47H59M59S, 48 hours", "PT1H1S, 2 hours", "PT1H, 1 hour", "PT1S, 1 hour"
  })
  void whatHasBegunOfADayOrAnHourCounts(Duration left, String words) {
    assertThat(CertificateExpiry.span(left)).isEqualTo(words);
  }
}
