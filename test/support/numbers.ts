import fc from 'fast-check'

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`))

/** The text of any JSON number: long and short, with and without fractions and exponents, near what a double holds. */
export const numberText = fc.oneof(
  fc
    .record({
      sign: fc.constantFrom('', '-'),
      whole: digits(25).map((text) => text.replace(/^0+(?=\d)/, '')),
      fraction: fc.oneof(
        fc.constant(''),
        digits(25).map((text) => `.${text}`),
      ),
      exponent: fc.oneof(
        { weight: 3, arbitrary: fc.constant('') },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.constantFrom('e', 'E', 'e+', 'E-', 'e-'), fc.integer({ min: 0, max: 420 }))
            .map((all) => all.join('')),
        },
      ),
    })
    .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer({ min: -10, max: 10 }).map((away) => String(2n ** 53n + BigInt(away))),
  fc.constantFrom('-0', '0', '1.0', '0.1', '1e400', '1E400', '-1e400', '1e-400', '0e999', '5e-324', '1e308'),
)
