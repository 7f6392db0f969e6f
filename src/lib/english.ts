/** Whether it may be English: by its tag where it is known; and it has two letters at least, half of them Latin. */
export function mayBeEnglish(text: string, language: string | null): boolean {
  if (language !== null && !/^en(-|$)/i.test(language)) return false
  const letters = countOf(text, /\p{L}/gu)
  return letters >= 2 && countOf(text, /[\p{L}&&\p{Script=Latin}]/gv) * 2 >= letters
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
