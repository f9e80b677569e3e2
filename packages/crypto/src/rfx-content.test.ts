import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/rfx.json' with { type: 'json' }
import { encodeAssignmentContent } from './assignment-content.ts'
import type { AssignmentFile } from './assignment-file.ts'
import type { Bytes } from './bytes.ts'
import { type ContentKey, generateContentKey } from './content-key.ts'
import {
  encodeRfxBidContent,
  encodeRfxComment,
  encodeRfxDocument,
  encodeRfxTitle,
  encodeSpecification,
  parseRfxBidContent,
  parseRfxComment,
  parseRfxDocument,
  parseRfxTitle,
  parseSpecification,
  type RfxBidContent,
  type Specification,
  type SpecificationField,
} from './rfx-content.ts'
import { fromText } from './testing/bytes.ts'

const openFailed = { name: 'CryptoError', code: 'open_failed' }
const codecs: Record<string, { encode: (content: never) => Bytes; parse: (bytes: Uint8Array) => unknown }> = {
  title: { encode: encodeRfxTitle, parse: parseRfxTitle },
  specification: { encode: encodeSpecification, parse: parseSpecification },
  comment: { encode: encodeRfxComment, parse: parseRfxComment },
  document: { encode: encodeRfxDocument, parse: parseRfxDocument },
  bid: { encode: encodeRfxBidContent, parse: parseRfxBidContent },
}
const codecOf = (kind: string) => codecs[kind] as (typeof codecs)[string]

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const file: AssignmentFile = {
  blobId: idOf(9),
  name: 'plan.pdf',
  type: 'application/pdf',
  byteLength: 5,
  key: generateContentKey(),
  digests: new Uint8Array(32).fill(3),
}
const field: SpecificationField = { id: idOf(2), label: 'Frist', type: 'date', value: '2027-02-01' }
const specification: Specification = { sections: [{ id: idOf(1), heading: 'Leveranse', fields: [field] }] }
const bid: RfxBidContent = { text: '', amount: '2400000.50', currency: 'NOK', files: [file] }
const withField = (other: object): Specification => ({
  sections: [{ id: idOf(1), heading: '', fields: [{ ...field, ...other }] }],
})

const texts = fc.string({ unit: 'grapheme', maxLength: 50 })
const lines = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
const digits = fc.stringMatching(/^\d{1,12}$/)
const files: fc.Arbitrary<AssignmentFile> = fc.record({
  blobId: fc.uuid(),
  name: texts,
  type: texts,
  byteLength: fc.integer({ min: 0, max: 1_000_000 }),
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Uint8Array(bytes) as ContentKey),
  digests: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => new Uint8Array(bytes)),
})
const values = fc.oneof(
  fc.record({ type: fc.constantFrom('text', 'choice'), value: texts }),
  fc.record({
    type: fc.constant('number'),
    value: fc.oneof(
      fc.constant(''),
      digits,
      digits.map((d) => `${d}.0${d}`),
    ),
  }),
  fc.record({
    type: fc.constant('date'),
    value: fc
      .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
  }),
)
const fieldsOf = fc.array(fc.record({ label: texts, value: values }), { maxLength: 5 })
const specifications = fc.array(fc.record({ heading: texts, fields: fieldsOf }), { maxLength: 5 }).map((sections) => {
  let number = 0
  return {
    sections: sections.map(({ heading, fields }) => {
      const id = idOf(++number)
      return { id, heading, fields: fields.map(({ label, value }) => ({ id: idOf(++number), label, ...value })) }
    }),
  }
})
const contents: Record<string, fc.Arbitrary<unknown>> = {
  title: lines,
  specification: specifications,
  comment: fc.record({ text: lines, section: fc.option(fc.uuid()) }),
  document: fc.record({ file: files }),
  bid: fc.record({
    text: texts,
    amount: fc.oneof(
      fc.constant(null),
      digits,
      digits.map((d) => `${d}.5`),
      digits.map((d) => `${d}.05`),
    ),
    currency: fc.constant('NOK'),
    files: fc.array(files, { maxLength: 3 }),
  }),
}

describe('plaintexts', () => {
  it.each(vectors.contents)('pinned: $kind', ({ kind, text }) => {
    const { encode, parse } = codecOf(kind)
    expect(new TextDecoder().decode(encode(parse(fromText(text)) as never))).toBe(text)
  })

  it.each(vectors.contentsInvalid)('refused: $name', ({ kind, text }) => {
    expect(() => codecOf(kind).parse(fromText(text))).toThrow(expect.objectContaining(openFailed))
  })

  it.each(Object.entries(contents))('%s is parsed as it was encoded', (kind, arbitrary) => {
    const { encode, parse } = codecOf(kind)
    fc.assert(
      fc.property(arbitrary, (content) => {
        expect(parse(encode(content as never))).toEqual(content)
      }),
    )
  })

  it.each(Object.keys(codecs))('%s is written in the one order, whatever the order it is given in', (kind) => {
    const { encode, parse } = codecOf(kind)
    const text = vectors.contents.find((one) => one.kind === kind)?.text ?? ''
    expect(new TextDecoder().decode(encode(reversed(parse(fromText(text))) as never))).toBe(text)
  })

  it.each(Object.keys(codecs))('%s is refused as anything else', (kind) => {
    const { encode, parse } = codecOf(kind)
    for (const bytes of [
      new Uint8Array(),
      fromText('null'),
      fromText('[]'),
      fromText('{"v":1}'),
      new Uint8Array([255]),
    ]) {
      expect(() => parse(bytes)).toThrow(expect.objectContaining(openFailed))
    }
    const other = fromText(vectors.contents.find((one) => one.kind !== kind)?.text ?? '')
    expect(() => parse(other)).toThrow(expect.objectContaining(openFailed))
    expect(() => parse(encodeAssignmentContent({ title: 'a', body: 'b', files: [] }))).toThrow(
      expect.objectContaining(openFailed),
    )
    for (const content of [undefined, null, 7, [], {}]) {
      expect(() => encode(content as never)).toThrow(new RegExp(`^(?:${kind}|content)`))
    }
  })

  it('do not repeat what they refuse', () => {
    for (const text of ['{"v":1,"title":"hemmelig","a":1}', '{"hemmelig', '{"v":1,"title":"hemmelig"} ']) {
      const error = caught(() => parseRfxTitle(fromText(text)))
      expect(`${error} ${error.cause}`).not.toContain('hemmelig')
    }
  })
})

describe('lengths of plaintexts', () => {
  it('are counted in code points', () => {
    expect(parseRfxTitle(encodeRfxTitle('🔑'.repeat(200)))).toBe('🔑'.repeat(200))
    expect(() => encodeRfxTitle('🔑'.repeat(201))).toThrow(RangeError)
    expect(() => encodeRfxTitle('')).toThrow(RangeError)
    const comment = { text: 'ø'.repeat(10_000), section: null }
    expect(parseRfxComment(encodeRfxComment(comment))).toEqual(comment)
    expect(() => encodeRfxComment({ ...comment, text: `${comment.text}a` })).toThrow(RangeError)
  })

  it('end at 200 sections, 200 fields in each, and 524 288 bytes', () => {
    const sections = (count: number) => ({
      sections: Array.from({ length: count }, (_, index) => ({ id: idOf(index), heading: '', fields: [] })),
    })
    expect(parseSpecification(encodeSpecification(sections(200)))).toEqual(sections(200))
    expect(() => encodeSpecification(sections(201))).toThrow('sections')
    const fields = (count: number): Specification => ({
      sections: [
        {
          id: idOf(0),
          heading: '',
          fields: Array.from({ length: count }, (_, index) => ({ ...field, id: idOf(index + 1) })),
        },
      ],
    })
    expect(parseSpecification(encodeSpecification(fields(200)))).toEqual(fields(200))
    expect(() => encodeSpecification(fields(201))).toThrow('sections[0].fields')
    const overhead = encodeSpecification(withField({ type: 'text', value: '' })).byteLength
    const largest = withField({ type: 'text', value: 'a'.repeat(524_288 - overhead) })
    const bytes = encodeSpecification(largest)
    expect(bytes.byteLength).toBe(524_288)
    expect(parseSpecification(bytes)).toEqual(largest)
    const longer = new TextDecoder().decode(bytes).replace('aaa', 'aaaa')
    expect(() => parseSpecification(fromText(longer))).toThrow(expect.objectContaining(openFailed))
    const tooLarge = withField({ type: 'text', value: 'a'.repeat(524_289 - overhead) })
    expect(() => encodeSpecification(tooLarge)).toThrow(RangeError)
  })
})

describe('what is encoded', () => {
  it.each([
    ['a type', { type: 'time' }, 'type'],
    ['a number', { type: 'number', value: '1e3' }, 'value'],
    ['a number with a sign', { type: 'number', value: '+1' }, 'value'],
    ['a number that ends in a point', { type: 'number', value: '1.' }, 'value'],
    ['digits of another script', { type: 'number', value: '١٢' }, 'value'],
    ['a date', { value: '2027-2-1' }, 'value'],
    ['a month', { value: '2027-13-01' }, 'value'],
    ['a leap day', { value: '2027-02-29' }, 'value'],
    ['a date with a time', { value: '2027-02-01T00:00' }, 'value'],
    ['a line after a date', { value: '2027-02-01\n' }, 'value'],
    ['an id', { id: 'field' }, 'id'],
    ['a label', { label: 7 }, 'label'],
    ['text', { type: 'text', value: '\ud800' }, 'value'],
    ['members', { unit: 'NOK' }, 'fields[0]'],
  ])('is refused when it is not %s', (_, other, named) => {
    expect(() => encodeSpecification(withField(other))).toThrow(named)
  })

  it('may leave any field empty', () => {
    for (const type of ['text', 'number', 'date', 'choice']) {
      expect(parseSpecification(encodeSpecification(withField({ type, value: '' })))).toEqual(
        withField({ type, value: '' }),
      )
    }
    expect(parseSpecification(encodeSpecification({ sections: [] }))).toEqual({ sections: [] })
  })

  it('has no id twice', () => {
    const [section] = specification.sections
    expect(() => encodeSpecification({ sections: [section, section] as never })).toThrow('twice')
    expect(() => encodeSpecification(withField({ id: idOf(1) }))).toThrow('twice')
  })

  it.each([
    ['an amount with three decimals', { amount: '1.000' }],
    ['an amount with a comma', { amount: '1,5' }],
    ['an amount that is a number', { amount: 1.5 }],
    ['an amount left out', { amount: undefined }],
    ['another currency', { currency: 'EUR' }],
    ['files as text', { files: 'plan.pdf' }],
    ['a file with a path', { files: [{ ...file, path: '/' }] }],
    ['a file of a negative size', { files: [{ ...file, byteLength: -1 }] }],
    ['too few digests', { files: [{ ...file, byteLength: 2_000_000 }] }],
    ['a file key of 16 bytes', { files: [{ ...file, key: new Uint8Array(16) }] }],
    ['a further member', { note: '' }],
  ])('of a bid is refused with %s', (_, other) => {
    expect(() => encodeRfxBidContent({ ...bid, ...other } as never)).toThrow('bid')
  })

  it('of a comment is refused with a section that is no UUID', () => {
    for (const section of ['', 'section', 7, undefined]) {
      expect(() => encodeRfxComment({ text: 'a', section } as never)).toThrow(/section/)
    }
  })

  it('of a document is refused without a file', () => {
    for (const bad of [null, [], {}, 'plan.pdf']) {
      expect(() => encodeRfxDocument({ file: bad } as never)).toThrow('document.file')
    }
  })
})

/** The same value with the members of every object in the other order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

function caught(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
