import type { TextRun } from './rich-text.ts'
import type { TextAttributes } from './text-attributes.ts'

/** Where one value of an attribute goes on without a gap. */
export interface Stretch {
  readonly name: string
  readonly value: unknown
  readonly from: number
  readonly to: number
}

/** All stretches of formatted text: for each attribute in order, and apart. */
export function stretchesOf(runs: readonly TextRun[]): readonly Stretch[] {
  const stretches: Stretch[] = []
  const open = new Map<string, Stretch>()
  let at = 0
  for (const { text, attributes } of runs) {
    const to = at + text.length
    for (const [name, value] of Object.entries(attributes)) {
      const last = open.get(name)
      const goesOn = last?.to === at && last.value === value
      open.set(name, { name, value, from: goesOn ? last.from : at, to })
      if (last !== undefined && !goesOn) stretches.push(last)
    }
    at = to
  }
  return [...stretches, ...open.values()]
}

/** What follows an index. */
export function runsFrom(runs: readonly TextRun[], index: number): TextRun[] {
  let start = 0
  return runs.flatMap(({ text, attributes }) => {
    const rest = text.slice(Math.max(0, index - start))
    start += text.length
    return rest === '' ? [] : [{ text: rest, attributes }]
  })
}

/** What the characters before and after an index have in common. Whoever is mentioned is named in full: no text joins. */
export function attributesAround(runs: readonly TextRun[], index: number): TextAttributes {
  const before = attributesAt(runs, index - 1)
  const after = new Map(Object.entries(attributesAt(runs, index)))
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => name !== 'mention' && after.get(name) === value),
  )
}

function attributesAt(runs: readonly TextRun[], index: number): TextAttributes {
  let end = 0
  for (const { text, attributes } of runs) {
    end += text.length
    if (index < end) return index < 0 ? {} : attributes
  }
  return {}
}

/** Whether two are the same attributes with the same values. */
export function isAlike(one: TextAttributes, other: TextAttributes): boolean {
  const values = (attributes: TextAttributes) => JSON.stringify(Object.entries(attributes).toSorted())
  return values(one) === values(other)
}
