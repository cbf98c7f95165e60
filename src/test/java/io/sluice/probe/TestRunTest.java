package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Connection;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import java.time.Clock;
import org.junit.jupiter.api.Test;

class TestRunTest {
  @Test
  void aTestThatNobodyHasEndedHasNotPassed() throws TestEnded {
    Connection connection = Probe.target("mariadb", "127.0.0.1", 1).build();
    TestRun run =
        new TestRun(
            connection,
            Prober.Extent.WHOLE,
            Probe.DRIVERS.named("mariadb").orElseThrow(),
            HostName.parse("127.0.0.1").orElseThrow(),
            new Journal(connection, "mariadb://127.0.0.1:1", Clock.systemUTC()),
            ProbeSettings.defaults(),
            System.nanoTime());
    run.begin(Name.LOGIN);

    run.finish();

    Report report = run.outcome().join().report();
    assertThat(report.passed()).isFalse();
    assertThat(report.reason()).isEqualTo(Reason.INTERNAL);
    assertThat(report.durationMs()).isNotNegative();
  }
}
