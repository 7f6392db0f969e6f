import type { Span } from './span.ts'

/** A part of a text that is worth showing, and what in it is to stand out. */
export interface Snippet {
  readonly text: string
  readonly highlights: readonly Span[]
}

/** About three lines. */
const LENGTH = 240
/** What is shown before the first thing that stands out. */
const LEAD = 40
const ELLIPSIS = '…'

/**
 * The part of a text in which most stands out, or where nothing does the one that begins at a place; whole words, with an
 * ellipsis where the text goes on. `marks` are sorted and do not meet.
 */
export function snippetOf(text: string, marks: readonly Span[], place: number): Snippet {
  const start = text.length <= LENGTH ? 0 : wordStart(text, startOf(marks, place))
  const end = text.length - start <= LENGTH ? text.length : wordEnd(text, start, start + LENGTH)
  const before = start > 0 ? ELLIPSIS : ''
  const shift = before.length - start
  const highlights = marks
    .filter((mark) => mark.start >= start && mark.end <= end)
    .map((mark) => ({ start: mark.start + shift, end: mark.end + shift }))
  return { text: `${before}${text.slice(start, end)}${end < text.length ? ELLIPSIS : ''}`, highlights }
}

/** Where the stretch begins that holds most of the marks; the first of those that hold as many. */
function startOf(marks: readonly Span[], place: number): number {
  let best = { count: 0, start: place }
  for (const [index, { start }] of marks.entries()) {
    let count = 0
    while ((marks[index + count]?.end ?? Number.POSITIVE_INFINITY) <= start + LENGTH - LEAD) count += 1
    if (count > best.count) best = { count, start: Math.max(0, start - LEAD) }
  }
  return best.start
}

/** Behind the space before a place, if there is one near; never in the middle of a character. */
function wordStart(text: string, place: number): number {
  if (place === 0) return 0
  const space = text.lastIndexOf(' ', place)
  const start = space >= 0 && place - space < LEAD ? space + 1 : place
  return isInCharacter(text, start) ? start + 1 : start
}

function wordEnd(text: string, start: number, place: number): number {
  const space = text.lastIndexOf(' ', place)
  const end = space > start + LENGTH / 2 ? space : place
  return isInCharacter(text, end) ? end - 1 : end
}

function isInCharacter(text: string, place: number): boolean {
  // Two halves that together are one.
  return place > 0 && !text.slice(place, place + 1).isWellFormed() && text.slice(place - 1, place + 1).isWellFormed()
}

/** Every place of any of these texts in another, sorted; where they overlap they are one. */
export function placesOf(text: string, sought: readonly string[]): Span[] {
  const places: Span[] = []
  for (const one of sought.filter((some) => some !== '')) {
    for (let at = text.indexOf(one); at >= 0; at = text.indexOf(one, at + one.length))
      places.push({ start: at, end: at + one.length })
  }
  return joined(places)
}

/** Spans sorted; those that overlap are one. */
export function joined(stretches: readonly Span[]): Span[] {
  const sorted = stretches.toSorted((one, other) => one.start - other.start || one.end - other.end)
  const result: Span[] = []
  for (const { start, end } of sorted) {
    const last = result.at(-1)
    if (last !== undefined && start < last.end)
      result[result.length - 1] = { start: last.start, end: Math.max(last.end, end) }
    else result.push({ start, end })
  }
  return result
}
