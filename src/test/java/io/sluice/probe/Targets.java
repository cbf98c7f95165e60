package io.sluice.probe;

import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.TestCa;
import java.util.List;
import java.util.UUID;

/** Database servers with TLS, users and a database, one of each for all tests of the package. */
final class Targets {
  static final String HOST = "127.0.0.1";

  /** In the servers' certificates too, and known to no resolver of the system's (RFC 6761). */
  static final String NAME = "db.invalid";

  static final TestCa CA = TestCa.create("Good CA");
  static final TestCa CLIENTS = TestCa.create("Clients CA");
  static final String USER = "alice";
  static final String PASSWORD = "pw-" + UUID.randomUUID();

  private Targets() {}

  private static final class Maria {
    static final MariaDbServer SERVER = start();

    private static MariaDbServer start() {
      MariaDbServer server =
          MariaDbServer.setup().tls(CA.server(HOST, "localhost", NAME)).clientCa(CLIENTS).start();
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close-targets"));
      server.createUser(USER, PASSWORD);
      server.createDatabase("shop", USER);
      server.execute("create database secret");
      server.execute(
          "create user 'crowd'@'%' identified by '" + PASSWORD + "' with max_user_connections 1");
      server.execute("grant all on shop.* to 'crowd'@'%'");
      server.execute("create user 'locked'@'%' identified by '" + PASSWORD + "' account lock");
      server.execute("create user 'expired'@'%' identified by '" + PASSWORD + "' password expire");
      server.execute("grant all on shop.* to 'expired'@'%'");
      server.execute("create user 'local'@'%' identified via unix_socket");
      server.execute("create user 'sealed'@'%' identified by '" + PASSWORD + "' require ssl");
      server.execute("create user 'certified'@'%' identified by '" + PASSWORD + "' require x509");
      server.execute("grant all on shop.* to 'certified'@'%'");
      server.execute("create user 'blocked'@'%' identified by '" + PASSWORD + "'");
      return server;
    }
  }

  private static final class Postgres {
    static final PostgresServer SERVER = start();

    private static PostgresServer start() {
      PostgresServer server =
          PostgresServer.setup()
              .tls(CA.server(HOST, "localhost", NAME))
              .clientCa(CLIENTS)
              .hba("hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-ca")
              .hba("host all clear 127.0.0.1/32 password")
              .hba("host all rejected 127.0.0.1/32 reject")
              .hba("host all trusted 127.0.0.1/32 trust")
              .hba("hostssl all sealed 127.0.0.1/32 scram-sha-256")
              .hba("hostnossl all sealed 127.0.0.1/32 reject")
              .hba("host all legacy 127.0.0.1/32 md5")
              .start();
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close-targets"));
      server.createUser(USER, PASSWORD);
      server.createUser("certified", PASSWORD);
      server.createUser("clear", PASSWORD);
      server.createUser("crowd", PASSWORD);
      server.execute("alter user crowd connection limit 1");
      server.createDatabase("shop", USER);
      for (String each : List.of("rejected", "trusted", "sealed")) {
        server.createUser(each, PASSWORD);
      }
      server.execute("create role group_only password '" + PASSWORD + "'");
      server.execute(
          "set password_encryption = 'md5'; create role legacy login password '" + PASSWORD + "'");
      server.execute("create database narrow connection limit 0");
      server.execute("create database closed allow_connections false");
      server.execute("create role past login password '" + PASSWORD + "' valid until '2020-01-01'");
      server.execute("create database secret");
      server.execute("revoke connect on database secret from public");
      return server;
    }
  }

  static MariaDbServer maria() {
    return Maria.SERVER;
  }

  static PostgresServer postgres() {
    return Postgres.SERVER;
  }

  static int port(String driver) {
    return driver.equals("postgresql") ? postgres().port() : maria().port();
  }

  /** The good connection of a driver, without TLS. */
  static Probe.Target good(String driver) {
    return at(driver, HOST, port(driver));
  }

  /** The good login at another address, such as a proxy's. */
  static Probe.Target at(String driver, String host, int port) {
    return Probe.target(driver, host, port).login(USER, PASSWORD).database("shop");
  }
}
