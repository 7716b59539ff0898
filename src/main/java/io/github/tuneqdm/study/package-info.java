/**
 * What a study says, without the work behind it: which rate a cell gets, what its rows come to, and
 * how sure that is. Imports {@code config}, {@code metrics} and {@code storage}; no Spark. Start
 * reading at {@link io.github.tuneqdm.study.StudyTable}.
 */
package io.github.tuneqdm.study;
