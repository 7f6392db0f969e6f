/** Whether a database can keep a text as it is: no NUL characters, no halves of surrogate pairs. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}
