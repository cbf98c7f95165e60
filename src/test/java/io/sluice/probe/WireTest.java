package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The drivers that are said to be verified on the wire, against a server of that protocol. */
class WireTest {
  private static final Prober PROBER = Probe.prober();

  @AfterAll
  static void close() {
    PROBER.close();
  }

  private static Probe.Target at(String driver, String server) {
    return Targets.at(driver, Targets.HOST, Targets.port(server));
  }

  private static Reason reason(Probe.Target target) {
    return PROBER.test(target.build()).report().reason();
  }

  @ParameterizedTest
  @CsvSource({
    "redshift, postgresql",
    "greenplum, postgresql",
    "yugabytedb, postgresql",
    "cockroachdb, postgresql",
    "singlestore, mariadb",
    "tidb, mariadb"
  })
  void aDriverThatIsLikeAnotherTestsLikeIt(String driver, String server) {
    assertThat(reason(at(driver, server).tls(Targets.CA.certificatePem()))).isNull();
    assertThat(reason(at(driver, server).login(Targets.USER, "wrong-" + driver)))
        .isEqualTo(Reason.AUTH_FAILED);
    assertThat(reason(at(driver, server).database("lost")))
        .isIn(Reason.DATABASE_NOT_FOUND, Reason.PERMISSION_DENIED);
  }
}
