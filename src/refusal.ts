import { ConfigInvalid } from './config.ts'
import { redactText } from './lib/redact.ts'

// sysexits.h
const EX_CONFIG = 78

/**
 * What to tell the operator of a program that cannot go on, and the exit code that goes with it: one sentence behind
 * `what`, without secrets or a stack; for a faulty environment every fault on a line of its own.
 */
export function refusalOf(what: string, error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof ConfigInvalid) {
    const lines = error.faults.map((fault) => `  ${fault}\n`)
    return { text: `The environment cannot be run with:\n${lines.join('')}`, exitCode: EX_CONFIG }
  }
  return { text: `${what}: ${redactText(sentenceOf(error))}\n`, exitCode: 1 }
}

type SystemError = NodeJS.ErrnoException & { address?: string; hostname?: string; port?: number }

function sentenceOf(error: unknown): string {
  // What broke first; the rest broke while cleaning up after it.
  if (error instanceof SuppressedError) return sentenceOf(error.suppressed)
  if (!(error instanceof Error)) return String(error)
  const { code, address, hostname, port } = error as SystemError
  if (code === 'EADDRINUSE') return `${address}:${port} is taken by another program. Set PORT to a free one.`
  if (code === 'EADDRNOTAVAIL') return `HOST ${address} is no address of this machine.`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `HOST ${hostname} is no address of this machine.`
  if (code === 'EACCES' && port !== undefined) return `this user may not listen on port ${port}.`
  return error.message.replace(/\s*\n\s*/g, ' ')
}
