package io.sluice.rig;

import io.sluice.servers.SluiceProcess;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Direction;
import io.sluice.servers.ToxicProxy.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * What goes wrong in a run, one after the other, all from one seed. A fault of the network lasts
 * into the next one.
 */
final class Faults {
  /** One thing that goes wrong. */
  enum Kind {
    KILL,
    TERMINATE,
    FREEZE,
    KILL_BROKER,
    KILL_STORE,
    DROP,
    RESET,
    LATENCY,
    HALF_OPEN,
    TARGET_AWAY,
    CLOCK,
    ROTATE_KEYS;

    boolean ofTheNetwork() {
      return switch (this) {
        case RESET, LATENCY, HALF_OPEN, TARGET_AWAY -> true;
        case KILL, TERMINATE, FREEZE, KILL_BROKER, KILL_STORE, DROP, CLOCK, ROTATE_KEYS -> false;
      };
    }
  }

  private static final Duration FROZEN_BEYOND_LEASE = Duration.ofMillis(1500);
  private static final Duration NETWORK = Duration.ofSeconds(2);
  private static final Duration DOWN = Duration.ofSeconds(1);

  private final Stand stand;
  private final int survivor;
  private final Random random;
  private final Map<Kind, Integer> counts = new TreeMap<>();

  /**
   * @param survivor the instance that is never killed, only frozen
   */
  Faults(Stand stand, long seed, int survivor) {
    this.stand = stand;
    this.survivor = survivor;
    this.random = new Random(seed);
  }

  /** Each of these kinds once, in an order of the seed's. */
  void each(List<Kind> kinds) {
    List<Kind> order = new ArrayList<>(kinds);
    Collections.shuffle(order, random);
    order.forEach(this::inject);
    end();
  }

  /** All kinds, again and again, until the time is over. */
  void until(long nanoTime) {
    while (System.nanoTime() < nanoTime) {
      List<Kind> order = new ArrayList<>(List.of(Kind.values()));
      Collections.shuffle(order, random);
      for (Kind kind : order) {
        if (System.nanoTime() < nanoTime) {
          inject(kind);
        }
      }
    }
    end();
  }

  private void end() {
    stand.plant().heal();
    stand.clock(Duration.ZERO);
  }

  /** How often each kind was injected. */
  Map<Kind, Integer> counts() {
    return counts;
  }

  int count() {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }

  private void inject(Kind kind) {
    counts.merge(kind, 1, Integer::sum);
    rest(Duration.ofMillis(random.nextInt(700)));
    int instance = random.nextInt(stand.instances().size());
    System.out.println("fault " + kind + " of instance " + instance);
    Plant plant = stand.plant();
    switch (kind) {
      case KILL -> {
        SluiceProcess victim = mortal(instance);
        victim.kill();
        restart(victim);
      }
      case TERMINATE -> {
        SluiceProcess victim = mortal(instance);
        victim.stop();
        restart(victim);
      }
      case FREEZE -> {
        SluiceProcess victim = stand.instances().get(instance);
        victim.pause();
        rest(stand.lease().plus(FROZEN_BEYOND_LEASE));
        victim.resume();
      }
      case KILL_BROKER -> {
        plant.broker().kill();
        rest(DOWN);
        plant.broker().start();
      }
      case KILL_STORE -> {
        plant.store().kill();
        rest(DOWN);
        plant.store().start();
      }
      case DROP -> way(instance).cut().heal();
      case RESET -> way(instance).resetAfter(Direction.TO_CLIENT, random.nextInt(4000));
      case LATENCY -> way(instance).latency(Duration.ofMillis(5 + random.nextInt(60)));
      case HALF_OPEN -> way(instance).strikeNow(Fault.BLACK_HOLE, Duration.ZERO);
      case TARGET_AWAY -> plant.targetWays().forEach(ToxicProxy::cut);
      case CLOCK -> stand.clock(Duration.ofSeconds(random.nextInt(610) - 10));
      case ROTATE_KEYS -> stand.rotateKeys();
    }
    if (kind.ofTheNetwork()) {
      rest(NETWORK);
    } else {
      plant.heal();
    }
  }

  /** A start needs the store; what the network suffers from is over before it. */
  private void restart(SluiceProcess victim) {
    stand.plant().heal();
    victim.start();
  }

  private SluiceProcess mortal(int instance) {
    int other = instance == survivor ? (instance + 1) % stand.instances().size() : instance;
    return stand.instances().get(other);
  }

  private ToxicProxy way(int instance) {
    Plant plant = stand.plant();
    return switch (random.nextInt(3)) {
      case 0 -> plant.storeWay(instance);
      case 1 -> plant.brokerWay(instance);
      default -> plant.targetWays().get(random.nextInt(plant.targetWays().size()));
    };
  }

  private static void rest(Duration time) {
    LockSupport.parkNanos(time.toNanos());
  }
}
