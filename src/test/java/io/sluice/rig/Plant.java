package io.sluice.rig;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.canary.CanarySearch;
import io.sluice.model.Secret;
import io.sluice.servers.KafkaServer;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.ToxicProxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The servers of all runs: a store and a broker that each instance reaches through a proxy of its
 * own, and targets behind a proxy each. They end with the JVM.
 */
final class Plant {
  /** The most instances of a run. */
  static final int INSTANCES = 3;

  private static final int ACCOUNTS = 6;

  private static final class Shared {
    static final Plant INSTANCE = new Plant();
  }

  private final CanarySearch canaries = new CanarySearch();
  private final PostgresServer store = PostgresServer.setup().start();
  private final KafkaServer broker = KafkaServer.setup().ways(INSTANCES).start();
  private final MariaDbServer mariadb = MariaDbServer.shared();
  private final PostgresServer postgresql = PostgresServer.shared();
  private final MuteServer mute = MuteServer.start();
  private final List<ToxicProxy> storeWays =
      IntStream.range(0, INSTANCES)
          .mapToObj(i -> ToxicProxy.to(store.host(), store.port()))
          .toList();
  private final ToxicProxy mariadbWay = ToxicProxy.to(mariadb.host(), mariadb.port());
  private final ToxicProxy postgresqlWay = ToxicProxy.to(postgresql.host(), postgresql.port());
  private final List<Account> mariadbAccounts = new ArrayList<>();
  private final List<Account> postgresqlAccounts = new ArrayList<>();

  private Plant() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "close-plant"));
    assertThat(store.query("show fsync")).isEqualTo("on");
    assertThat(store.query("show synchronous_commit")).isEqualTo("on");
    canaries.register("store password", store.superuserPassword());
    for (int i = 0; i < ACCOUNTS; i++) {
      String name = "rig" + i;
      Secret password = canaries.secret("target password " + i);
      mariadb.execute("create database " + name);
      mariadb.execute("create user '" + name + "'@'%' identified by '" + password.reveal() + "'");
      mariadb.execute("grant all on " + name + ".* to '" + name + "'@'%'");
      mariadbAccounts.add(
          new Account("mariadb", mariadbWay.host(), mariadbWay.port(), name, password));
    }
    for (int i = 0; i < ACCOUNTS / 2; i++) {
      String name = "rig" + i;
      Secret password = canaries.secret("PostgreSQL password " + i);
      postgresql.createUser(name, password.reveal());
      postgresql.createDatabase(name, name);
      postgresqlAccounts.add(
          new Account("postgresql", postgresqlWay.host(), postgresqlWay.port(), name, password));
    }
  }

  static Plant shared() {
    return Shared.INSTANCE;
  }

  CanarySearch canaries() {
    return canaries;
  }

  PostgresServer store() {
    return store;
  }

  KafkaServer broker() {
    return broker;
  }

  /** The proxy between an instance and the store. */
  ToxicProxy storeWay(int instance) {
    return storeWays.get(instance);
  }

  /** The proxy between an instance and the broker. */
  ToxicProxy brokerWay(int instance) {
    return broker.way(instance);
  }

  List<ToxicProxy> targetWays() {
    return List.of(mariadbWay, postgresqlWay);
  }

  List<Account> mariadbAccounts() {
    return mariadbAccounts;
  }

  List<Account> postgresqlAccounts() {
    return postgresqlAccounts;
  }

  /** Settings whose test gets no answer. */
  Map<String, Object> muteSettings() {
    return new Account("mariadb", mute.host(), mute.port(), Account.NEVER, Secret.of("mute"))
        .settings();
  }

  void heal() {
    storeWays.forEach(ToxicProxy::heal);
    targetWays().forEach(ToxicProxy::heal);
    for (int i = 0; i < INSTANCES; i++) {
      brokerWay(i).heal();
    }
  }

  private void close() {
    broker.kill();
    broker.close();
    store.close();
    mute.close();
  }
}
