import { createHash } from 'node:crypto'
export function embeddedText({ title, text }: { title: string; text: string }): string {
  return title === '' ? text : `${title}: ${text}`
}
export function chunkHash(t: string): Buffer {
  return createHash('sha256').update(t).digest().subarray(0, 16)
}
export function chunksOf(text: string): { start: number; end: number }[] {
  return text.trim() === '' ? [] : [{ start: 0, end: Math.min(text.length, 400) }]
}
