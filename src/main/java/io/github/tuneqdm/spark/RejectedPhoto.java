package io.github.tuneqdm.spark;

import java.io.Serializable;

/**
 * A photo that a subject was trained without.
 *
 * @param photo its file name
 * @param reason why, in one sentence that names the file
 */
public record RejectedPhoto(String photo, String reason) implements Serializable {}
