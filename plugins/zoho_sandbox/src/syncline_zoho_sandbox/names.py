# ruff: noqa: E501 -- data: one culture on one line
"""Names to invent people from: (as written, in Latin letters for the address)."""

from typing import NamedTuple

Word = tuple[str, str]


class Culture(NamedTuple):
    country: str
    dial: str
    city: str
    postal_code: str
    first: tuple[Word, ...]
    last: tuple[Word, ...]


def _words(text: str) -> tuple[Word, ...]:
    """`Anna` or `Анна=anna`, separated by spaces; an underscore stands for a space inside a name."""
    pairs = (word.partition("=") for word in text.split())
    return tuple((name.replace("_", " "), latin or name.lower().replace("_", "")) for name, _, latin in pairs)


def _culture(country: str, dial: str, city: str, postal_code: str, first: str, last: str) -> Culture:
    return Culture(country, dial, city, postal_code, _words(first), _words(last))


CULTURES = (
    _culture("India", "+91", "Pune", "411001", "Aarav Diya Kavya Rohan अनन्या=ananya விக்ரம்=vikram Ishaan Meera",
             "Sharma Iyer Patel शर्मा=sharma Reddy Bhattacharya Menon Khan"),
    _culture("United States", "+1", "Springfield", "62701", "Olivia Liam Mary_Jane Noah Beyza Jo Xander Anne-Marie=annemarie",
             "Smith O'Brien Johnson de_la_Cruz St._John=stjohn Nguyen-Lee=nguyen-lee Miller Washington"),
    _culture("Germany", "+49", "Köln", "50667", "Jörg=joerg Änne=aenne Lukas Käthe=kaethe Zoë=zoe Björn=bjoern Anna Uwe",
             "Müller=mueller Strauß=strauss von_der_Heide Schröder=schroeder Weiß=weiss Groß=gross Özdemir=oezdemir Koch"),
    _culture("France", "+33", "Besançon", "25000", "François=francois Chloé=chloe Élodie=elodie Jean-Noël=jeannoel Inès=ines Luc",
             "Lefèvre=lefevre D’Angelo=dangelo Garçon=garcon L'Hôte=lhote Dubois Moreau"),
    _culture("Russia", "+7", "Казань", "420111", "Анна=anna Дмитрий=dmitriy Ольга=olga Пётр=petr Юлия=yulia Фёдор=fedor",
             "Иванова=ivanova Щукин=shchukin Соловьёв=solovyov Кузнецова=kuznetsova Белый=bely Жуков=zhukov"),
    _culture("Greece", "+30", "Πάτρα", "26221", "Ελένη=eleni Γιώργος=giorgos Σοφία=sofia Νίκος=nikos",
             "Παπαδόπουλος=papadopoulos Αγγέλου=angelou Οικονόμου=oikonomou Ψαρράς=psarras"),
    _culture("Israel", "+972", "חיפה", "3100000", "נועה=noa דוד=david יעל=yael איתן=eitan",
             "כהן=cohen לוי=levi בן־דוד=bendavid מזרחי=mizrahi"),
    _culture("United Arab Emirates", "+971", "دبي", "00000", "محمد=mohammed فاطمة=fatima نور=nour يوسف=yousef",
             "الهاشمي=alhashimi خان=khan العلي=alali منصور=mansour"),
    _culture("Japan", "+81", "京都市", "600-8216", "さくら=sakura 太郎=taro 美咲=misaki ケンジ=kenji",
             "佐藤=sato 鈴木=suzuki 髙橋=takahashi 渡邉=watanabe"),
    _culture("China", "+86", "成都", "610000", "伟=wei 芳=fang 秀英=xiuying 𠮷=ji", "王=wang 李=li 欧阳=ouyang 𠀀=yi"),
    _culture("South Korea", "+82", "부산", "48058", "지우=jiwoo 서연=seoyeon 민준=minjun 하늘=haneul", "김=kim 이=lee 박=park 남궁=namgung"),
    _culture("Vietnam", "+84", "Đà Nẵng", "550000", "Thảo=thao Đức=duc Hương=huong Ánh=anh", "Nguyễn=nguyen Trần=tran Đặng=dang Phạm=pham"),
    _culture("Turkey", "+90", "İzmir", "35220", "Işıl=isil İbrahim=ibrahim Çağla=cagla Şule=sule", "Yılmaz=yilmaz Öztürk=ozturk Işık=isik Güneş=gunes"),
    _culture("Brazil", "+55", "São Paulo", "01000-000", "João=joao Conceição=conceicao Luíza=luiza Antônio=antonio",
             "da_Silva dos_Santos Araújo=araujo Magalhães=magalhaes"),
    _culture("Nigeria", "+234", "Abeokuta", "110101", "Chiamaka Olúwaṣẹ́gun=oluwasegun Ngozi Tùndé=tunde", "Okafor Adéyẹmí=adeyemi Balogun Eze"),
    _culture("Poland", "+48", "Łódź", "90-001", "Łukasz=lukasz Małgorzata=malgorzata Żaneta=zaneta Paweł=pawel", "Wiśniewska=wisniewska Dąbrowski=dabrowski Zając=zajac Łęcki=lecki"),
    _culture("Thailand", "+66", "เชียงใหม่", "50000", "สมชาย=somchai นภา=napa อรุณ=arun มาลี=malee", "แก้วใส=kaewsai ศรีสุข=srisuk ทองดี=thongdee ใจดี=jaidee"),
    _culture("Iceland", "+354", "Reykjavík", "101", "Þórdís=thordis Æsa=aesa Guðrún=gudrun Björk=bjork", "Jónsdóttir=jonsdottir Þórsson=thorsson Óskarsson=oskarsson Ævarsdóttir=aevarsdottir"),
)  # fmt: skip

COMPANIES = (
    "Acme Labs", "Globex", "Initech", "Umbrella Gardens", "Stark & Söhne", "Wayne Bäckerei", "Hooli", "Vehement Capital",
    "Soylent Foods", "Wonka Süßwaren", "Tyrell Optik", "Cyberdyne Toys", "Massive Dynamic", "O'Hara & Sons", "株式会社さくら",
    "ООО Ромашка", "Blue Sun", "Oceanic Travel", "Duff Brewing", "Planet Express", "1-800-Flowers R Us", "Zylker", "",
)  # fmt: skip
HOSTS = (
    "acme-labs", "globex", "initech", "umbrella", "stark", "wayne", "hooli", "vehement", "soylent", "wonka", "tyrell",
    "cyberdyne", "massive-dynamic", "ohara", "sakura", "romashka", "blue-sun", "oceanic", "duff", "planet-express",
)  # fmt: skip
FOREIGN_HOSTS = ("bücher", "köln-messe", "münchen", "例え", "пример", "παράδειγμα")
# Values that spreadsheets, YAML and careless parsers turn into something else.
ODD_NAMES = (
    "007", "true", "null", "1e5", "NaN", "=cmd|'/C calc'!A0", "=1+1", "+SUM(A1:A9)", "-2", "@home", "  Ann  ", "Robert'); --",
    "<b>Bold</b>", "👩‍🚀 Zoë", "😀", "𝒜𝓃𝓃𝒶", "Zero\u200bWidth", "\u202eright", "Two\nLines", 'The "Boss"', "Ann\u00a0Lee", "a&b=c%20",
    "{field}", "\\N", "N/A", "Ł" * 60,
)  # fmt: skip
