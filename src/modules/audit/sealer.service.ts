import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../platform/clock.ts'
import type { Platform } from '../../platform/context.ts'
import type { Signer } from '../../platform/crypto/signer.ts'
import type { Log } from '../../platform/log.ts'
import type { ChainHead } from './chain.service.ts'
import { createHeadRecorder } from './head-record.service.ts'
import { createSealing, sealPending } from './seal.service.ts'

/** With the work itself well within the second in which a row is to be sealed. */
const PERIOD_MILLIS = 250
const PERIOD_AFTER_FAILURE_MILLIS = 2_000
const LOG_PERIOD_MILLIS = 60_000

/** The message of the log's lines that hold heads: where those of the database can be checked against. */
export const headMessage = 'audit head'

/**
 * Seals what waits until the returned function is called, on every node, and then once more. The heads that the log is told
 * of are also recorded in the chain of no organization, at the same pace.
 */
export function startSealer(platform: Platform, signer: Signer): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const heads = createHeadLog(platform)
  const sealing = createSealing(platform, signer, heads.told)
  const records = createHeadRecorder(sealing.db, signer, platform.clock)
  let isFailing = false
  const seal = async () => {
    try {
      await records.write()
      await sealPending(sealing, signal)
      isFailing = false
    } catch (error) {
      isFailing = true
      platform.log.warn({ err: error }, 'the audit trail could not be sealed')
    }
  }
  const sealRest = async () => {
    await sealPending(sealing)
    records.told(heads.writeAll())
    await records.write()
    await sealPending(sealing)
  }
  const run = async () => {
    while (!signal.aborted) {
      const everyMillis = isFailing ? PERIOD_AFTER_FAILURE_MILLIS : PERIOD_MILLIS
      await pause(everyMillis, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
      await seal()
      records.told(heads.write())
    }
  }
  const ended = run()
  return async () => {
    stopping.abort()
    await ended
    // What the last requests wrote. Where the database is away, that is for the next start.
    if (!isFailing) await sealRest().catch(() => undefined)
    heads.writeAll()
  }
}

/** A head as lines hold it. The signature goes by another name: what is called so is a secret to the log. */
export function headLine({ signature, signedAt, ...end }: ChainHead) {
  return { ...end, signedAt: signedAt.toISOString(), proof: signature }
}

/**
 * Writes heads to the log, where whoever can change the database does not reach them: of each chain one in a minute, the
 * newest, and none twice. Answers which those were.
 */
export function createHeadLog({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
  const unwritten = new Map<string, ChainHead>()
  const writtenAt = new Map<string, number>()
  const writeIf = (isDue: (chain: string) => boolean) => {
    const written: ChainHead[] = []
    for (const [chain, head] of unwritten) {
      if (!isDue(chain)) continue
      unwritten.delete(chain)
      writtenAt.set(chain, clock.now().getTime())
      log.info(headLine(head), headMessage)
      written.push(head)
    }
    return written
  }
  return {
    told: (head: ChainHead) => void unwritten.set(head.chain, head),
    write: () => {
      const since = clock.now().getTime() - LOG_PERIOD_MILLIS
      for (const [chain, at] of writtenAt) if (at <= since) writtenAt.delete(chain)
      return writeIf((chain) => !writtenAt.has(chain))
    },
    writeAll: () => writeIf(() => true),
  }
}
