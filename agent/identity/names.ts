/**
 * Names from the outside: a container's owner picks them, so they are hostile until they were here.
 *
 * A name ends up in a table, a legend, a log line and a terminal. None of these may be made to run, to hide or to
 * reorder text by it, nor to grow without bound. Names that Kubernetes and Docker allow pass unchanged.
 */

/** The longest name Kubernetes gives an object. */
const MAX_NAME_LENGTH = 253;
/** Shown in place of a character that is not shown as itself. */
const REPLACEMENT = '\uFFFD';
/** At the end of a name that was cut. */
const ELLIPSIS = '…';
/**
 * Control characters (Cc: with them go line breaks and the escape that starts a terminal's commands), format characters
 * (Cf: with them the bidirectional overrides), halves of surrogate pairs (Cs), line and paragraph separators (Zl, Zp),
 * whatever else is drawn as nothing at all, and code points that are no characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu;

/**
 * The name as it may be shown: each character that cannot be printed is replaced by U+FFFD, and what is too long is
 * cut and ends in an ellipsis. Cleaning a clean name changes nothing.
 *
 * @param maxLength in UTF-16 units, the ellipsis included; 1 or more
 */
export function cleanName(text: string, maxLength = MAX_NAME_LENGTH): string {
  // Cut first: what is thrown away is not worth looking at.
  const kept = text.length > maxLength ? text.slice(0, maxLength - ELLIPSIS.length) + ELLIPSIS : text;
  return kept.replace(UNPRINTABLE, REPLACEMENT);
}
