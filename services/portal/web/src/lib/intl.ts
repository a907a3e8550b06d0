// The browser's formatters, each made once: making one takes longer than a hundred uses of it, and a page of
// variants has hundreds of figures.

type Options = Readonly<Intl.NumberFormatOptions>;
type DateOptions = Readonly<Intl.DateTimeFormatOptions>;

function once<Made, Given>(make: (locale: string, options: Given) => Made): (locale: string, options: Given) => Made {
  const known = new Map<string, Made>();
  return (locale, options) => {
    const key = locale + JSON.stringify(options);
    let made = known.get(key);
    if (made === undefined) {
      made = make(locale, options);
      known.set(key, made);
    }
    return made;
  };
}

const numbers = once((locale: string, options: Options) => new Intl.NumberFormat(locale, options));
const dates = once((locale: string, options: DateOptions) => new Intl.DateTimeFormat(locale, options));
const plurals = once((locale: string, _: undefined) => new Intl.PluralRules(locale));

const PLAIN: Options = {};

export function numberFormat(locale: string, options: Options = PLAIN): Intl.NumberFormat {
  return numbers(locale, options);
}

export function dateFormat(locale: string, options: DateOptions): Intl.DateTimeFormat {
  return dates(locale, options);
}

export function pluralRules(locale: string): Intl.PluralRules {
  return plurals(locale, undefined);
}
