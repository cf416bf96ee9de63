/** Numbers as the document writes them: as exact as a median of some rounds is. */

/** Three significant digits; thousands apart. */
export function written(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString('en', { maximumFractionDigits: 9 });
}
