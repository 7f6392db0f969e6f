import { setFlagsFromString } from 'node:v8'

/**
 * Turns V8's optimizing compiler for WebAssembly on or off, for what the whole process compiles from here on. A function
 * is compiled at its first call, and as that was done it may be optimized later, or never.
 */
export function optimizeWasm(isOn: boolean): void {
  for (const flag of ['wasm-dynamic-tiering', 'wasm-tier-up']) setFlagsFromString(isOn ? `--${flag}` : `--no-${flag}`)
}
