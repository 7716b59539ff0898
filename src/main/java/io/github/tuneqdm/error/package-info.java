/** Exit codes and the one exception that carries a message meant for the user. Imports nothing. */
package io.github.tuneqdm.error;
