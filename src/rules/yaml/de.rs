//! From the tree into types.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
    value::{StrDeserializer, UsizeDeserializer},
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::tree::{Cursor, Entry, Id, Value};
use super::{Place, Placed, Wrong};

/// By this name a type asks for its place.
const PLACED: &str = "release-steps:placed";

impl Error for Wrong {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Wrong::new(message.to_string(), None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Wrong::new(format!("expected {expected}, found {}", named(&found)), None)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Wrong::new(format!("expected {expected}, found {}", named(&found)), None)
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Wrong::new(format!("unknown variant `{name}`, expected {}", one_of(known)), None)
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Wrong::new(format!("unknown field `{name}`, expected {}", one_of(known)), None)
    }
}

fn one_of(known: &[&str]) -> String {
    match known {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        many => format!("one of {}", many.join(", ")),
    }
}

/// In the words of YAML.
fn named(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(it) => format!("`{it}`"),
        Unexpected::Unsigned(it) => format!("the number {it}"),
        Unexpected::Signed(it) => format!("the number {it}"),
        Unexpected::Float(it) => format!("the number {it}"),
        Unexpected::Str(it) => format!("the text `{it}`"),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "keys with values".to_owned(),
        other => other.to_string(),
    }
}

/// What the text of a plain scalar is, by the core schema (section 10.3.2).
enum Scalar<'t> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'t str),
}

fn scalar(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Scalar::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(octal), _) if !octal.starts_with('+') => u64::from_str_radix(octal, 8).ok(),
        (_, Some(hex)) if !hex.starts_with('+') => u64::from_str_radix(hex, 16).ok(),
        _ if digits(unsigned) && !negative => unsigned.parse().ok(),
        _ => None,
    };
    if let Some(number) = number {
        return Scalar::Unsigned(number);
    }
    if digits(unsigned)
        && let Ok(number) = text.parse()
    {
        return Scalar::Signed(number);
    }
    // Rust reads more as a number than YAML does: `inf`, `nan`, and so on.
    let float = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit());
    match text.parse() {
        Ok(number) if float => Scalar::Float(number),
        _ => Scalar::Text(text),
    }
}

impl<'t> Cursor<'t> {
    /// The text of a scalar that has one.
    fn text(self) -> Result<&'t str, Wrong> {
        match self.value()? {
            Value::Scalar(text, true) if matches!(scalar(text), Scalar::Null) => Err(self.is_not(&"a text")),
            Value::Scalar(text, _) => Ok(text),
            _ => Err(self.is_not(&"a text")),
        }
    }

    fn is_not(self, expected: &dyn serde::de::Expected) -> Wrong {
        let found = match self.peek() {
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
            Value::Scalar(text, false) => Unexpected::Str(text),
            Value::Scalar(text, true) => match scalar(text) {
                Scalar::Null => Unexpected::Unit,
                Scalar::Bool(it) => Unexpected::Bool(it),
                Scalar::Unsigned(it) => Unexpected::Unsigned(it),
                Scalar::Signed(it) => Unexpected::Signed(it),
                Scalar::Float(it) => Unexpected::Float(it),
                Scalar::Text(it) => Unexpected::Str(it),
            },
        };
        Wrong::invalid_type(found, expected).at(self.place())
    }

    fn entries(self, expected: &dyn serde::de::Expected) -> Result<Entries<'t>, Wrong> {
        match self.value()? {
            Value::Map(entries) => Ok(Entries { at: self, rest: entries.iter(), value: None }),
            _ => Err(self.is_not(expected)),
        }
    }
}

impl<'de> Deserializer<'de> for Cursor<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match self.value()? {
            Value::List(items) => visitor.visit_seq(Items { at: self, rest: items.iter() }),
            Value::Map(entries) => visitor.visit_map(Entries { at: self, rest: entries.iter(), value: None }),
            Value::Scalar(text, false) => visitor.visit_str(text),
            Value::Scalar(text, true) => match scalar(text) {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(it) => visitor.visit_bool(it),
                Scalar::Unsigned(it) => visitor.visit_u64(it),
                Scalar::Signed(it) => visitor.visit_i64(it),
                Scalar::Float(it) => visitor.visit_f64(it),
                Scalar::Text(it) => visitor.visit_str(it),
            },
        };
        read.map_err(|wrong| wrong.at(self.place()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value()? {
            Value::Scalar(text, true) if let Scalar::Bool(it) = scalar(text) => visitor.visit_bool(it),
            _ => Err(self.is_not(&"`true` or `false`, without quotes")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.text()?).map_err(|wrong: Wrong| wrong.at(self.place()))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.peek() {
            Value::Scalar(text, true) if matches!(scalar(text), Scalar::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let read = match name {
            PLACED => visitor.visit_seq(InPlace { at: self, next: 0 }),
            _ => visitor.visit_newtype_struct(self),
        };
        read.map_err(|wrong| wrong.at(self.place()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let entries = self.entries(&"keys with values")?;
        visitor.visit_map(entries).map_err(|wrong| wrong.at(self.place()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value()? {
            Value::List(items) => visitor
                .visit_seq(Items { at: self, rest: items.iter() })
                .map_err(|wrong| wrong.at(self.place())),
            _ => Err(self.is_not(&"a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let variant = match self.peek() {
            Value::Scalar(..) => Variant { name: self.text()?, place: self.place(), value: None },
            Value::Map(entries) if let [entry] = &entries[..] => {
                Variant { name: &entry.key, place: entry.place, value: Some(self.to(entry.value)) }
            }
            _ => return Err(self.is_not(&"a text, or one key with a value")),
        };
        visitor.visit_enum(variant).map_err(|wrong| wrong.at(self.place()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct
    }
}

struct Items<'t> {
    at: Cursor<'t>,
    rest: std::slice::Iter<'t, Id>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(item) = self.rest.next().map(|id| self.at.to(*id)) else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|wrong| wrong.at(item.place()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'t> {
    at: Cursor<'t>,
    rest: std::slice::Iter<'t, Entry>,
    value: Option<Id>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(entry.value);
        let key = StrDeserializer::<Wrong>::new(&entry.key);
        seed.deserialize(key).map(Some).map_err(|wrong| wrong.at(entry.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let value = self.value.take().ok_or_else(|| Wrong::custom("a value without its key"))?;
        let value = self.at.to(value);
        seed.deserialize(value).map_err(|wrong| wrong.at(value.place()))
    }
}

/// A variant of an enum, which is a text, or a key with a value.
struct Variant<'t> {
    name: &'t str,
    place: Place,
    value: Option<Cursor<'t>>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name = StrDeserializer::<Wrong>::new(self.name);
        let variant = seed.deserialize(name).map_err(|wrong| wrong.at(self.place))?;
        Ok((variant, self))
    }
}

impl Variant<'_> {
    fn value(&self) -> Result<Cursor<'_>, Wrong> {
        self.value.ok_or_else(|| Wrong::new(format!("`{}` needs a value", self.name), Some(self.place)))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.value {
            None => Ok(()),
            Some(value) => <()>::deserialize(value),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        let value = self.value()?;
        seed.deserialize(value).map_err(|wrong| wrong.at(value.place()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.value()?.deserialize_map(visitor)
    }
}

/// A node as a list of its line, its column and itself.
struct InPlace<'t> {
    at: Cursor<'t>,
    next: usize,
}

impl<'de> SeqAccess<'de> for InPlace<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let number = UsizeDeserializer::<Wrong>::new;
        self.next += 1;
        match self.next {
            1 => seed.deserialize(number(self.at.place().0)).map(Some),
            2 => seed.deserialize(number(self.at.place().1)).map(Some),
            3 => seed.deserialize(self.at).map(Some),
            _ => Ok(None),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Place<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Place<T> {
            type Value = Placed<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let missing = || Error::custom("a value without its place");
                let line = access.next_element()?.ok_or_else(missing)?;
                let column = access.next_element()?.ok_or_else(missing)?;
                let value = access.next_element()?.ok_or_else(missing)?;
                Ok(Placed { place: (line, column), value })
            }

            // Whoever knows no places takes the name for one of a type around another.
            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
                Ok(Placed { place: (0, 0), value: T::deserialize(inner)? })
            }
        }
        deserializer.deserialize_newtype_struct(PLACED, Place(std::marker::PhantomData))
    }
}
