package io.sluice.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients of the Zoho-compatible API act on codes, so each failure keeps its code. */
class ZohoErrorTest {
  @ParameterizedTest
  @CsvSource({
    "AUTH_FAILED,18040",
    "DATABASE_NOT_FOUND,18041",
    "OUTPUT_LOCATION_UNREACHABLE,18042",
    "REGION_UNREACHABLE,18043",
    "WAREHOUSE_NOT_FOUND,18044",
    "UNKNOWN_HOST,18011",
    "POLICY_DENIED,18011",
    "TIMEOUT,18011",
    "TLS_EXPIRED,18011",
    "SSH_AUTH_FAILED,18011",
    "TOO_MANY_CONNECTIONS,18060",
    "LOCKOUT_GUARD,18040",
    "NOT_FOUND,18061",
    "FORBIDDEN,8535",
    "SCOPE_MISSING,8535",
    "MISSING_FIELD,8079",
    "INTERNAL,7005"
  })
  void aReasonHasItsCode(Reason reason, int code) {
    assertThat(ZohoError.of(Refusal.because(reason)).code()).isEqualTo(code);
  }

  @ParameterizedTest
  @EnumSource
  void whoseFaultItIsStaysTheSame(Reason reason) {
    boolean ours =
        reason.category() == Reason.Category.INTERNAL
            || reason.category() == Reason.Category.OVERLOAD;
    assertThat(ZohoError.of(reason).httpStatus() >= 500).isEqualTo(ours);
  }

  @ParameterizedTest
  @EnumSource
  void everyNetworkFailureIsAnUnreachableEndpoint(Reason reason) {
    if (reason.name().startsWith("SSH_") || reason.name().startsWith("TLS_")) {
      assertThat(ZohoError.of(reason)).isEqualTo(ZohoError.CANNOT_CONNECT_ENDPOINT);
    }
  }

  @Test
  void codesAreUnique() {
    assertThat(Stream.of(ZohoError.values()).map(ZohoError::code)).doesNotHaveDuplicates();
  }
}
