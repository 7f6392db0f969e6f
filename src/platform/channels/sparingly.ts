/**
 * Lets one call through per period and counts the others, for lines that an outage would write thousands of.
 * `write` gets the error and how many were held back since the line before.
 */
export function sparingly(
  periodMillis: number,
  write: (error: unknown, heldBack: number) => void,
): (error: unknown) => void {
  let nextAt = 0
  let heldBack = 0
  return (error) => {
    const now = performance.now()
    if (now < nextAt) {
      heldBack++
      return
    }
    nextAt = now + periodMillis
    write(error, heldBack)
    heldBack = 0
  }
}
