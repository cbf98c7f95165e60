package io.sluice.probe;

import io.sluice.model.HostName;
import java.net.InetAddress;
import java.util.Optional;

/**
 * A block of addresses in CIDR notation (RFC 4632); a single address is a block of one.
 *
 * @param network an address of the block
 * @param prefix how many leading bits count
 */
record AddressRange(InetAddress network, int prefix) {

  /**
   * @throws IllegalArgumentException when the text is not a block
   */
  static AddressRange of(String text) {
    return parse(text).orElseThrow(() -> new IllegalArgumentException(text + " is not a CIDR."));
  }

  static Optional<AddressRange> parse(String text) {
    int slash = text.indexOf('/');
    Optional<HostName> host = HostName.parse(slash < 0 ? text : text.substring(0, slash));
    if (host.isEmpty() || host.get().literal() == null || host.get().embedsIpv4()) {
      // The block of mapped addresses itself cannot be parsed by InetAddress; no rule needs it.
      return Optional.empty();
    }
    InetAddress network = host.get().literal();
    int bits = network.getAddress().length * 8;
    if (slash < 0) {
      return Optional.of(new AddressRange(network, bits));
    }
    String digits = text.substring(slash + 1);
    if (!digits.matches("[0-9]{1,3}") || Integer.parseInt(digits) > bits) {
      return Optional.empty();
    }
    return Optional.of(new AddressRange(network, Integer.parseInt(digits)));
  }

  boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    byte[] block = network.getAddress();
    if (bytes.length != block.length) {
      return false;
    }
    int whole = prefix / 8;
    for (int i = 0; i < whole; i++) {
      if (bytes[i] != block[i]) {
        return false;
      }
    }
    int rest = prefix % 8;
    if (rest == 0) {
      return true;
    }
    int mask = 0xff << (8 - rest);
    return (bytes[whole] & mask) == (block[whole] & mask);
  }
}
