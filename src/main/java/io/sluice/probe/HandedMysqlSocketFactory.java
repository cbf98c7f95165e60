package io.sluice.probe;

import com.mysql.cj.conf.PropertySet;
import com.mysql.cj.protocol.ServerSession;
import com.mysql.cj.protocol.SocketConnection;
import com.mysql.cj.protocol.SocketFactory;
import java.io.Closeable;
import java.io.IOException;
import javax.net.ssl.SSLSocket;

/**
 * The same as {@link HandedSocketFactory} for MySQL Connector/J, which has a factory type of its
 * own that also makes the TLS handshake. Public, because the driver makes it by its name.
 */
public final class HandedMysqlSocketFactory implements SocketFactory {
  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // As the driver defines it.
  public <T extends Closeable> T connect(
      String host, int portNumber, PropertySet props, int loginTimeout) throws IOException {
    return (T) TestRun.current().takeSocket();
  }

  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // As the driver defines it.
  public <T extends Closeable> T performTlsHandshake(
      SocketConnection socketConnection, ServerSession serverSession) throws IOException {
    TestRun run = TestRun.current();
    SSLSocket socket = VerifiedTls.over(run.socket(), run);
    socket.startHandshake();
    VerifiedTls.passed(socket.getSession(), run);
    return (T) socket;
  }
}
