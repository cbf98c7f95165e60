package io.sluice.probe;

import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** A database that is reached by HTTPS requests: where it is, and what a test says to it. */
interface CloudService {
  /**
   * The host that the settings mean: their own host may be a region or an account.
   *
   * @return empty when they mean none that the service could have
   */
  Optional<HostName> endpoint(Connection connection);

  /** The lower-case names of further hosts that a test may need. */
  Set<String> others(Connection connection);

  /** What it means that the endpoint's name does not resolve, or that there is none. */
  Reason unknownHost();

  /**
   * @throws Refusal naming the field when the settings cannot be tested at all
   */
  void check(Connection connection);

  /**
   * The talk from the login to one row, over a client whose handshake is done.
   *
   * @throws ServiceError when the service refuses something
   * @throws IOException when there is no answer, or none that can be understood
   * @throws TestEnded when the test has ended before the last step
   */
  void talk(TestRun run, HttpsClient https, Conversation.Login login)
      throws ServiceError, IOException, TestEnded;

  /** The service behind a driver of the catalogue; empty for one that has a JDBC driver. */
  static Optional<CloudService> of(Driver driver, OAuthClient google) {
    return switch (driver.family()) {
      case ATHENA -> Optional.of(new AthenaService());
      case BIGQUERY -> Optional.of(new BigQueryService(google));
      case SNOWFLAKE -> Optional.of(new SnowflakeService());
      case DATABRICKS -> Optional.of(new DatabricksService());
      default -> Optional.empty();
    };
  }
}
