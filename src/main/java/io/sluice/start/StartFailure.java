package io.sluice.start;

/**
 * What keeps the service from starting, in words that tell the operator what to do. Where in the
 * code it was found says nothing more.
 */
final class StartFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  StartFailure(String whatToDo) {
    super(whatToDo, null, false, false);
  }
}
