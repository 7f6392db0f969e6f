/** What a text holds as JSON; undefined for what is none. The reason is not told: it quotes the text, which may be a secret. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
