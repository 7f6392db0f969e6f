/** Text search configurations of Postgres by the language they are for, as the first part of a BCP 47 tag. */
const configurations: Readonly<Record<string, string>> = {
  ar: 'arabic',
  ca: 'catalan',
  da: 'danish',
  de: 'german',
  el: 'greek',
  en: 'english',
  es: 'spanish',
  eu: 'basque',
  fi: 'finnish',
  fr: 'french',
  ga: 'irish',
  hi: 'hindi',
  hu: 'hungarian',
  hy: 'armenian',
  id: 'indonesian',
  it: 'italian',
  lt: 'lithuanian',
  nb: 'norwegian',
  ne: 'nepali',
  nl: 'dutch',
  nn: 'norwegian',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sr: 'serbian',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
  yi: 'yiddish',
}

/** Languages that are guessed from a script of which they are the most used, where nobody said. */
const scripts: readonly (readonly [RegExp, string])[] = [
  [/\p{sc=Latn}/gu, 'english'],
  [/\p{sc=Arab}/gu, 'arabic'],
  [/\p{sc=Cyrl}/gu, 'russian'],
  [/\p{sc=Grek}/gu, 'greek'],
  [/\p{sc=Deva}/gu, 'hindi'],
  [/\p{sc=Armn}/gu, 'armenian'],
  [/\p{sc=Taml}/gu, 'tamil'],
]
/** Characters that are enough to tell a script. */
const SAMPLE_LENGTH = 500

/**
 * The text search configuration whose stems fit a text: of its language where it is known, else of the script most of it is
 * in. `simple`, which stems nothing, for languages that Postgres does not know.
 */
export function searchConfiguration(language: string | null, text: string): string {
  if (language !== null) return configurations[language.split('-')[0] ?? ''] ?? 'simple'
  const sample = text.slice(0, SAMPLE_LENGTH)
  const counted = scripts.map(([script, name]) => ({ name, count: sample.match(script)?.length ?? 0 }))
  const most = counted.reduce((best, one) => (one.count > best.count ? one : best))
  return most.count > 0 ? most.name : 'simple'
}
